//! Where the linker puts functions.

use super::{Outcome, variable};
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Has the linker put functions of the executable side by side as `script` says, if it is one that can: ld and lld know such
/// scripts, others do not. Without it a session starts a tenth later.
pub fn put_side_by_side(script: &Path, out: &Path) -> Outcome<()> {
    println!("cargo::rerun-if-changed={}", script.display());
    println!("cargo::rerun-if-env-changed=RUSTFLAGS");
    println!(
        "cargo::rerun-if-env-changed=CARGO_TARGET_{}_LINKER",
        variable("TARGET")?.to_uppercase().replace('-', "_")
    );
    let argument = format!("-T{}", script.display());
    if links_with(&argument, out)? {
        println!("cargo::rustc-link-arg-bins={argument}");
    } else {
        println!("cargo::warning=the linker takes no scripts, as ld and lld do: sessions will start a tenth later");
    }
    Ok(())
}

/// Links a program that does nothing, by the linker and with the flags that cargo will use.
fn links_with(argument: &str, out: &Path) -> Outcome<bool> {
    let source = out.join("nothing.rs");
    fs::write(&source, "fn main() {}\n")?;
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.arg(&source).args(["--edition=2024", "--target", &variable("TARGET")?]).arg("-o").arg(out.join("nothing"));
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.args(["-C", &format!("linker={linker}")]);
    }
    let status =
        rustc.args(["-C", &format!("link-arg={argument}")]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    Ok(status.success())
}
