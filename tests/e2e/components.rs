//! What components are made of: what the embedded guests import, and a guest that was built outside the repository.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strongroom_tests::client::refused;
use strongroom_tests::packet::code;
use strongroom_tests::{Place, Program, component, repository, strongroom};

const STORAGE: &str = "strongroom:storage/storage@0.1.0";

fn embedded(name: &str) -> Vec<u8> {
    let embedded = match name {
        "jail" => strongroom::sandbox::Embedded::Jail,
        _ => strongroom::sandbox::Embedded::Memory,
    };
    embedded.component().to_vec()
}

#[test]
fn the_memory_guest_imports_no_directories_sockets_or_environment() {
    let memory = embedded("memory");
    let imports = component::imports(&memory);
    assert!(!imports.is_empty(), "a contract without types imports nothing");
    for import in &imports {
        // `native` is a type that the contract's functions name; without directories nobody can have one.
        let is_of_contract =
            ["types@", "native@"].iter().any(|name| import.starts_with(&format!("strongroom:storage/{name}")));
        let is_harmless = ["wasi:clocks/", "wasi:random/", "wasi:cli/stderr", "wasi:io/"]
            .iter()
            .any(|package| import.starts_with(package));
        assert!(is_of_contract || is_harmless, "{import} in {imports:?}");
    }
    assert!(component::exports(&memory).iter().any(|export| export == STORAGE));
}

#[test]
fn the_jail_imports_directories_and_neither_sockets_nor_environment() {
    let jail = embedded("jail");
    let imports = component::imports(&jail);
    assert!(imports.iter().any(|import| import.starts_with("strongroom:storage/posix-at-once@")));
    for forbidden in ["wasi:sockets/", "wasi:http/", "wasi:cli/environment"] {
        assert!(!imports.iter().any(|import| import.starts_with(forbidden)), "{forbidden} in {imports:?}");
    }
    assert!(component::exports(&jail).iter().any(|export| export == STORAGE));
}

#[test]
fn a_component_built_outside_the_repository_is_served_with_what_dir_grants() {
    let place = Place::new();
    let component = build_outside(&place);
    place.file("granted/file", "granted");
    place.file("beside/file", "not granted");
    std::os::unix::fs::symlink(place.path("beside"), place.path("granted/link")).unwrap();
    let mut client = strongroom!(place, "run", &component, "--dir", place.path("granted")).connect();
    assert_eq!(client.get("/file").unwrap(), b"granted");
    client.put("/new", b"new").unwrap();
    assert_eq!(fs::read(place.path("granted/new")).unwrap(), b"new");
    assert_eq!(refused(client.get("/link/file")), code::NO_SUCH_FILE);
    assert_eq!(refused(client.get("/../beside/file")), code::NO_SUCH_FILE);
    drop(client);

    let outcome = strongroom!(place, "run", &component).run();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.all());
    outcome.one_line();
}

/// The jail's sources and the contract, copied to another place and built there by cargo.
fn build_outside(place: &Place) -> PathBuf {
    for folder in ["guests", "wit"] {
        copy_sources(&repository().join(folder), &place.path("outside").join(folder));
    }
    let manifest = place.path("outside/guests/Cargo.toml");
    let target = place.path("outside/target");
    let mut cargo = Program::new(place, "cargo")
        .args(["build", "--release", "--locked", "--offline", "--target", "wasm32-wasip2", "-p", "strongroom-jail"])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(&target)
        .patience(Duration::from_secs(600));
    for name in ["CARGO_HOME", "RUSTUP_HOME"] {
        if let Some(value) = std::env::var_os(name) {
            cargo = cargo.env(name, value);
        }
    }
    if let Some(home) = std::env::var_os("HOME") {
        cargo = cargo.env("HOME", home);
    }
    cargo.succeed();
    target.join("wasm32-wasip2/release/strongroom_jail.wasm")
}

fn copy_sources(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "target" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_sources(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
