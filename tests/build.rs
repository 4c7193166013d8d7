//! Builds the guests of `tests/guests` from source, as the product's build script does with its own: into a target
//! folder below OUT_DIR, in an environment without the outer build's flags, installing nothing.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

type Outcome<T> = Result<T, Box<dyn Error>>;

const WASM_TARGET: &str = "wasm32-wasip2";

/// What would carry the outer build into the inner one.
const OUTER_ENVIRONMENT: [&str; 10] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CLIPPY_ARGS",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Outcome<()> {
    let tests = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    for inputs in ["guests", "../guests", "../wit", "../runtime/wit"] {
        watch(&tests.join(inputs))?;
    }
    if !target_is_installed()? {
        let message = "is not installed; the guests for tests are built for it. Type: rustup target add";
        return Err(format!("the target {WASM_TARGET} {message} {WASM_TARGET}").into());
    }
    let target = PathBuf::from(variable("OUT_DIR")?).join("guests");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.args(["build", "--release", "--locked", "--workspace", "--target", WASM_TARGET]);
    cargo.arg("--manifest-path").arg(tests.join("guests/Cargo.toml")).arg("--target-dir").arg(&target);
    for name in OUTER_ENVIRONMENT {
        cargo.env_remove(name);
    }
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!("the guests in tests/guests do not build ({status})").into());
    }
    list_start_attacks(&tests.join("guests/text/start"))?;
    println!("cargo::rustc-env=TEST_GUESTS={}", target.join(WASM_TARGET).join("release").display());
    Ok(())
}

/// Writes the enumeration of the texts in `folder`, so that a test can match on all of them.
fn list_start_attacks(folder: &Path) -> Outcome<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<_>>()?;
    files.sort();
    let mut variants = Vec::new();
    let mut texts = String::new();
    for file in &files {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).ok_or("a text without a name")?;
        let variant: String = stem
            .split('-')
            .flat_map(|word| {
                let (first, rest) = word.split_at(usize::from(!word.is_empty()));
                [first.to_uppercase(), rest.to_owned()]
            })
            .collect();
        texts.push_str(&format!("            Self::{variant} => include_str!({file:?}),\n"));
        variants.push(variant);
    }
    let (variants, all) = (variants.join(", "), variants.join(", Self::"));
    let code = format!(
        "/// What a guest does as it is instantiated.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq)]\n\
         pub enum StartAttack {{ {variants} }}\n\n\
         impl StartAttack {{\n    \
             pub const ALL: &[Self] = &[Self::{all}];\n\n    \
             pub const fn text(self) -> &'static str {{\n        match self {{\n{texts}        }}\n    }}\n\
         }}\n"
    );
    Ok(fs::write(PathBuf::from(variable("OUT_DIR")?).join("start_attack.rs"), code)?)
}

fn target_is_installed() -> Outcome<bool> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", WASM_TARGET]).output()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    let Ok(entries) = fs::read_dir(folder) else { return Ok(false) };
    Ok(entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
}

/// Names every source file below `folder` as an input, but not what a build there has left.
fn watch(folder: &Path) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            if name != "target" && name != "node_modules" {
                watch(&entry.path())?;
            }
        } else {
            println!("cargo::rerun-if-changed={}", entry.path().display());
        }
    }
    Ok(())
}

fn variable(name: &str) -> Outcome<String> {
    env::var(name).map_err(|_| format!("cargo did not set {name}").into())
}
