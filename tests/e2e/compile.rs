//! Code that was made ahead of time: it is served without a compiler, and taken only from where nobody else can have put it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use strongroom_tests::{Outcome, Place, Program, guest, guest_from_text, strongroom};

fn compile(place: &Place, component: impl AsRef<Path>, code: &Path) -> Program {
    strongroom!(place, "compile", component.as_ref(), "-o", code)
}

/// The guest `hide`, compiled.
fn compiled(place: &Place) -> PathBuf {
    let directory = place.directory("code");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let code = directory.join("hide.code");
    compile(place, guest("hide"), &code).umask("022").succeed();
    code
}

fn run(place: &Place, code: &Path) -> Program {
    place.file("granted/file", "granted");
    strongroom!(place, "run", "--precompiled", code, "--dir", place.path("granted"))
}

#[track_caller]
fn assert_refused(outcome: &Outcome, status: i32, words: &[&str]) {
    assert_eq!(outcome.code(), Some(status), "{}", outcome.all());
    assert_eq!(outcome.text(), "");
    let line = outcome.one_line();
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}

#[test]
fn what_was_compiled_ahead_is_served_without_a_compiler() {
    let place = Place::new();
    let code = compiled(&place);
    let log = place.path("log");
    let mut client = run(&place, &code).arg("-l").arg(&log).connect();
    assert_eq!(client.get("/file").unwrap(), b"granted");
    client.finish();
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("was compiled ahead of time") && !log.contains("compiling the guest"), "{log}");
    assert!(!place.cache().join("strongroom").exists(), "nothing was kept besides");
}

#[test]
fn built_in_guests_are_compiled_by_their_names() {
    let place = Place::new();
    let code = place.path("memory.code");
    let outcome = compile(&place, "memory", &code).succeed();
    assert!(outcome.text().contains(&format!("{} bytes", fs::metadata(&code).unwrap().len())), "{}", outcome.text());
    let mut client = strongroom!(place, "run", "--precompiled", &code).connect();
    client.put("/file", b"kept").unwrap();
    assert_eq!(client.get("/file").unwrap(), b"kept");
}

#[test]
fn the_file_has_the_umask_s_permissions_and_is_replaced_whole() {
    let place = Place::new();
    let code = place.file("code/hide.code", "what was there");
    for (umask, mode) in [("022", 0o644), ("077", 0o600), ("000", 0o644)] {
        compile(&place, guest("hide"), &code).umask(umask).succeed();
        assert_eq!(fs::metadata(&code).unwrap().permissions().mode() & 0o7777, mode, "umask {umask}");
    }
    assert_eq!(fs::read_dir(place.path("code")).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn nothing_but_a_regular_file_is_replaced() {
    let place = Place::new();
    let link = place.path("link");
    symlink(place.file("target", "kept"), &link).unwrap();
    for output in [link, place.directory("directory"), PathBuf::from("/dev/null")] {
        let outcome = compile(&place, guest("hide"), &output).run();
        assert_refused(&outcome, 1, &[output.to_str().unwrap(), "is not a regular file", "-o"]);
    }
    let nowhere = place.path("missing/code");
    assert_refused(&compile(&place, guest("hide"), &nowhere).run(), 1, &["missing/code", "cannot be written", "-o"]);
    assert_eq!(fs::read(place.path("target")).unwrap(), b"kept");
}

#[test]
fn what_cannot_be_compiled_leaves_no_file() {
    let place = Place::new();
    let code = place.path("code");
    let module = guest_from_text(&place, "core-module");
    assert_refused(&compile(&place, &module, &code).run(), 1, &[module.to_str().unwrap(), "a core module"]);
    let late = compile(&place, guest("hide"), &code).args(["--compile-timeout", "1ms"]).run();
    assert_refused(&late, 1, &["did not compile within", "--compile-timeout"]);
    assert!(!code.exists());
}

#[test]
fn what_others_can_change_is_refused() {
    let place = Place::new();
    let code = compiled(&place);
    for mode in [0o664, 0o646] {
        fs::set_permissions(&code, fs::Permissions::from_mode(mode)).unwrap();
        let words = [code.to_str().unwrap(), "can be changed by others", "chmod go-w"];
        assert_refused(&run(&place, &code).run(), 1, &words);
    }
}

#[test]
fn code_may_not_lie_in_a_directory_that_is_granted() {
    let place = Place::new();
    let code = place.path("granted/hide.code");
    fs::copy(compiled(&place), place.file("granted/hide.code", "")).unwrap();
    let granted = place.path("granted");
    let words = [granted.to_str().unwrap(), code.to_str().unwrap(), "the guest's code", "move the code"];
    let grant = |access: &str| format!("{}{access}", granted.display());
    for arguments in [vec![], vec!["--allow-unsafe-grant"]] {
        for access in ["", ":/:ro"] {
            let run = strongroom!(place, "run", "--precompiled", &code, "--dir", grant(access)).args(&arguments);
            assert_refused(&run.run(), 2, &words);
        }
    }
    let link = place.path("link");
    symlink(&code, &link).unwrap();
    assert_refused(&run(&place, &link).run(), 2, &["the guest's code"]);
}

#[test]
fn code_of_another_engine_is_refused_in_one_line() {
    let place = Place::new();
    let code = compiled(&place);
    let whole = fs::read(&code).unwrap();
    let mut other_engine = whole.clone();
    *other_engine.last_mut().unwrap() ^= 1;
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    let foreign = wasmtime::Engine::default().precompile_component(&fs::read(guest("hide")).unwrap()).unwrap();
    for (bytes, words) in [
        (other_engine, ["another version of strongroom or for another CPU", "compile it again"]),
        (changed, ["its hash", "compile it again"]),
        (whole[..whole.len() - 1].to_vec(), ["cut off", "compile it again"]),
        (foreign, ["is not what `strongroom compile` wrote", "compile it again"]),
        (fs::read(guest("hide")).unwrap(), ["is WebAssembly and not compiled", "without --precompiled"]),
    ] {
        fs::write(&code, bytes).unwrap();
        assert_refused(&run(&place, &code).run(), 1, &[code.to_str().unwrap(), words[0], words[1]]);
    }
}

#[test]
fn code_is_not_taken_without_the_option_and_not_beside_a_component() {
    let place = Place::new();
    let code = compiled(&place);
    let words = [code.to_str().unwrap(), "native code", "name the component", "--precompiled"];
    assert_refused(&strongroom!(place, "run", &code).run(), 1, &words);
    let both = strongroom!(place, "run", guest("hide"), "--precompiled", &code).run();
    assert_eq!(both.code(), Some(2), "{}", both.all());
    let help = strongroom!(place, "run", "--help").succeed().text();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("trusted as strongroom itself is"), "{help}");
    let help = strongroom!(place, "compile", "--help").succeed().text();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("trusts it as it trusts strongroom itself"), "{help}");
}
