//! Builds the embedded guests from source and compiles them ahead of time.
//!
//! The guests are a workspace of their own, for another target. They get a target folder of their own below OUT_DIR,
//! because an inner cargo that shared the outer one's would wait for its lock for ever, and an environment without
//! the outer build's flags and wrappers. Nothing is installed. `STRONGROOM_GUESTS_DIR` names a folder with guests
//! that were built before.

#[path = "build/archive.rs"]
mod archive;
#[path = "src/sandbox/config.rs"]
mod config;
#[path = "build/linker.rs"]
mod linker;
#[path = "src/sandbox/without_async.rs"]
mod without_async;

use config::Calling;
use std::env;
use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

type Outcome<T> = Result<T, Box<dyn Error>>;

const WASM_TARGET: &str = "wasm32-wasip2";

/// Package, file, and how the engine calls it, which a test of the crate compares with what the component says.
const GUESTS: [(&str, &str, Calling); 3] = [
    ("strongroom-jail", "strongroom_jail", Calling::AtOnce),
    ("strongroom-memory", "strongroom_memory", Calling::AtOnce),
    ("strongroom-gridfs", "strongroom_gridfs", Calling::Tasks),
];

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
    let out = PathBuf::from(variable("OUT_DIR")?);
    let top = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("..");
    println!("cargo::rerun-if-env-changed=STRONGROOM_GUESTS_DIR");
    println!("cargo::rerun-if-changed=src/sandbox/config.rs");
    println!("cargo::rerun-if-changed=src/sandbox/without_async.rs");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/archive.rs");
    println!("cargo::rerun-if-changed=build/linker.rs");
    watch(&top.join("wit"))?;
    watch(&top.join("runtime/wit"))?;
    if variable("CARGO_CFG_TARGET_ENV")? == "gnu" {
        // With the unwinder in the executable each session's start is spared the loading of a library.
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
    linker::put_side_by_side(&PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("build/session.ld"), &out)?;
    println!("cargo::rustc-env=STRONGROOM_WASMTIME_VERSION={}", wasmtime_version(&top)?);

    archive::pack(&top, &out.join("scaffold.tar"))?;

    let built = match env::var_os("STRONGROOM_GUESTS_DIR") {
        Some(directory) => {
            let directory = PathBuf::from(directory);
            watch(&directory)?;
            directory
        }
        None => build_guests(&top.join("guests"), &out)?,
    };
    let target = variable("TARGET")?;
    let mut hasher = DefaultHasher::new();
    for (_, file, calling) in GUESTS {
        let source = built.join(file).with_extension("wasm");
        let component = fs::read(&source).map_err(|error| format!("{}: {error}", source.display()))?;
        let engine = wasmtime::Engine::new(&config::engine_config(calling, Some(&target))?)?;
        let code = match calling {
            Calling::Tasks => engine.precompile_component(&component)?,
            Calling::AtOnce => engine.precompile_component(&without_async::without_async(&component)?)?,
        };
        code.hash(&mut hasher);
        fs::write(out.join(file).with_extension("cwasm"), code)?;
        fs::write(out.join(file).with_extension("wasm"), component)?;
    }
    // An incremental build looks at the text of the crate, and not into the files that its assembly includes.
    println!("cargo::rustc-env=STRONGROOM_CODE_HASH={:x}", hasher.finish());
    Ok(())
}

fn build_guests(workspace: &Path, out: &Path) -> Outcome<PathBuf> {
    watch(workspace)?;
    if !target_is_installed()? {
        return Err(format!(
            "the target {WASM_TARGET} is not installed; the guests are built for it. Type: rustup target add {WASM_TARGET}"
        )
        .into());
    }
    let target = out.join("guests");
    // One after the other: built together, those without the standard library would get it from those that want it.
    for (package, _, _) in GUESTS {
        build_guest(workspace, &target, package)?;
    }
    Ok(target.join(WASM_TARGET).join("release"))
}

fn build_guest(workspace: &Path, target: &Path, package: &str) -> Outcome<()> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.args(["build", "--release", "--locked", "--target", WASM_TARGET, "--package", package]);
    cargo.arg("--manifest-path").arg(workspace.join("Cargo.toml")).arg("--target-dir").arg(target);
    for name in OUTER_ENVIRONMENT {
        cargo.env_remove(name);
    }
    let status = cargo.status()?;
    if status.success() { Ok(()) } else { Err(format!("the guest {package} does not build ({status})").into()) }
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

fn wasmtime_version(top: &Path) -> Outcome<String> {
    let lock = top.join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    let text = fs::read_to_string(lock)?;
    let mut lines = text.lines().skip_while(|line| *line != "name = \"wasmtime\"");
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    Ok(version.ok_or("Cargo.lock names no version of wasmtime")?.to_owned())
}

fn variable(name: &str) -> Outcome<String> {
    env::var(name).map_err(|_| format!("cargo did not set {name}").into())
}
