//! `strongroom inspect`: what is told of a component, and that its author's words are text and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use strongroom_tests::{Outcome, Place, Program, guest, guest_from_text, strongroom};

fn inspect(place: &Place, component: impl AsRef<Path>) -> Program {
    strongroom!(place, "inspect", component.as_ref())
}

fn json(place: &Place, component: impl AsRef<Path>) -> Value {
    serde_json::from_str(&inspect(place, component).arg("--json").succeed().text()).unwrap()
}

/// A component with the storage by name, these imports and this declaration.
fn component(place: &Place, imports: &[&str], records: &str) -> PathBuf {
    let imports: String = imports.iter().map(|import| format!(r#"(import "{import}" (instance))"#)).collect();
    let escaped: String = records.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(component {imports} (instance $i) (export "strongroom:storage/storage@0.1.0" (instance $i))
            (core module (@custom "strongroom-wants" "strongroom-wants 1\n{escaped}")))"#
    );
    place.file("guest.wasm", wat::parse_str(text).unwrap())
}

#[track_caller]
fn assert_refused(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.code(), Some(1), "{}", outcome.all());
    assert_eq!(outcome.text(), "");
    let line = outcome.one_line();
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}

#[test]
fn built_in_guests_say_what_they_are_and_want() {
    let place = Place::new();
    let jail = inspect(&place, "jail").succeed().text();
    for words in [
        "contract  strongroom:storage@0.1.0: storage, copying",
        "language  Rust",
        "  files in granted directories (--dir)\n",
        "  a directory as / to read and write",
        "  setting native (yes unless set)",
        "\n  strongroom jail DIRECTORY\n",
    ] {
        assert!(jail.contains(words), "{words:?} is not in:\n{jail}");
    }
    assert!(!jail.contains("Warnings") && !jail.contains("TCP"), "{jail}");
    let memory = json(&place, "memory");
    assert_eq!(memory["wants"][0]["settings"][0]["default"], "256M");
    assert_eq!(memory["warnings"], Value::Array(Vec::new()));
    assert_eq!(memory["command"], "strongroom memory");
}

#[test]
fn a_bucket_s_guest_wants_one_address_and_nothing_else() {
    let place = Place::new();
    let told = json(&place, "gridfs");
    let wants = &told["wants"][0];
    assert_eq!(wants["addresses"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!((&wants["directories"], &wants["variables"]), (&Value::Array(vec![]), &Value::Array(vec![])), "{told}");
    assert_eq!(told["warnings"], Value::Array(vec![]), "{told}");
    let asked = told["can_ask_for"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap());
    assert!(asked.clone().any(|what| what.starts_with("TCP connections")), "{told}");
    assert!(!asked.clone().any(|what| what.contains("--dir")), "{told}");
}

#[test]
fn a_component_that_says_nothing_is_told_by_its_imports() {
    let place = Place::new();
    let told = json(&place, guest("caller"));
    let abilities: Vec<_> = told["can_ask_for"].as_array().unwrap().iter().map(|one| &one["what"]).collect();
    assert!(abilities.iter().any(|what| what.as_str().unwrap().starts_with("TCP connections")), "{abilities:?}");
    assert_eq!(told["size_bytes"], fs::metadata(guest("caller")).unwrap().len());
    assert_eq!(told["languages"][0], "Rust");
    let warnings = told["warnings"].to_string();
    assert!(warnings.contains("does not say what it wants"), "{warnings}");
    assert!(told["command"].as_str().unwrap().starts_with("strongroom run /"), "{told}");
}

#[test]
fn the_line_that_grants_is_one_that_strongroom_takes() {
    let place = Place::new();
    let records = "name\tphotos\nabout\tBy year\nsecret\tkey\trequired\tFor the bucket\nsetting\tport\t=443\t\n\
        directory\t/data\tro\trequired\tPhotographs\ndirectory\t/my spool\trw\trequired\tUploads\n\
        address\ts3.example.com:{port}\trequired\tThe bucket\nvariable\tTZ\toptional\t\n";
    let imports = ["wasi:filesystem/types@0.2.6", "wasi:sockets/types@0.3.0", "wasi:cli/environment@0.2.6"];
    let guest = component(&place, &imports, records);
    let told = json(&place, &guest);
    assert_eq!(told["warnings"], Value::Array(Vec::new()), "{told}");
    let line = told["command"].as_str().unwrap();
    let expected = "--dir DATA_DIRECTORY:/data:ro --dir 'MY_SPOOL_DIRECTORY:/my spool' --connect s3.example.com:443 \
        --set key=@KEY_FILE";
    assert_eq!(line, format!("strongroom run {} {expected}", guest.display()));
    assert_eq!(told["optional_arguments"], "--env TZ=TZ --set port=PORT");
    // As a shell reads it, with what the capitals stand for.
    place.directory("home/DATA_DIRECTORY");
    place.directory("home/MY_SPOOL_DIRECTORY");
    place.file("home/KEY_FILE", "secret");
    let program = Path::new(env!("CARGO_BIN_EXE_strongroom"));
    let typed = line.replacen("strongroom", program.to_str().unwrap(), 1);
    let outcome = Program::new(&place, "/bin/sh").args(["-c", &typed]).run();
    assert_refused(&outcome, &[guest.to_str().unwrap(), "does not fit the contract"]);
}

#[test]
fn a_warning_tells_where_words_and_imports_differ() {
    let place = Place::new();
    let (files, sockets) = ("wasi:filesystem/types@0.2.6", "wasi:sockets/types@0.3.0");
    for (imports, records, expected) in [
        (&[][..], "directory\t/data\trw\trequired\t\n", "wants the directory /data, and imports no file system"),
        (&[], "address\tdb:1\trequired\t\n", "wants an address, and imports no sockets"),
        (&[sockets], "about\tNothing\n", "TCP connections to granted destinations (--connect), and does not say"),
        (&[files], "about\tNothing\n", "files in granted directories (--dir), and does not say"),
        (&["acme:anvils/forge@1.0.0"], "about\tNothing\n", "acme:anvils/forge@1.0.0, which this version"),
        (&[], "grant\t/\n", "cannot be read: line 2"),
    ] {
        let guest = component(&place, imports, records);
        let text = inspect(&place, &guest).succeed().text();
        let warnings = text.split("\nWarnings:\n").nth(1).unwrap_or_else(|| panic!("{expected:?}:\n{text}"));
        assert!(warnings.contains(expected), "{expected:?} is not in:\n{warnings}");
    }
}

#[test]
fn what_an_author_says_is_text_and_nothing_else() {
    let place = Place::new();
    let deceiving = "about\tfine\u{202e}lair\nsetting\tport\t=1$(touch pwned)\t\naddress\tdb:{port}\trequired\t`id`\n";
    let guest = component(&place, &["wasi:sockets/types@0.3.0"], deceiving);
    let outcome = inspect(&place, &guest).succeed();
    let text = outcome.text();
    assert!(text.contains("fine\\u{202e}lair") && text.contains("--connect 'db:1$(touch pwned)'"), "{text}");
    let outcome = inspect(&place, component(&place, &["acme:\u{9b}31m/x"], "about\tfine\n")).arg("--json").succeed();
    assert!(outcome.text().contains(r"\u009b") && !outcome.text().contains('\u{9b}'), "{:?}", outcome.text());
    for control in ["about\t\u{1b}]0;owned\u{7}\n", "about\t\u{9b}2J\n", "about\tone\rtwo\n"] {
        let text = inspect(&place, component(&place, &[], control)).succeed().text();
        assert!(text.contains("cannot be read: line 2"), "{text}");
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}

#[test]
fn what_is_no_guest_is_told_what_it_is() {
    let place = Place::new();
    let text = place.file("text", "hello");
    assert_refused(&inspect(&place, &text).run(), &[text.to_str().unwrap(), "a text file", "cargo build"]);
    let module = guest_from_text(&place, "core-module");
    assert_refused(&inspect(&place, &module).run(), &["a core module", "wasm-tools component new"]);
    assert_refused(&inspect(&place, place.directory("folder")).run(), &["a directory"]);
    let newer = guest_from_text(&place, "other-version");
    assert_refused(&inspect(&place, &newer).run(), &["newer contract", "@0.2.0", "@0.1.0"]);
    let code = place.path("code");
    strongroom!(place, "compile", "memory", "-o", &code).succeed();
    assert_refused(&inspect(&place, &code).run(), &["native code, compiled ahead of time", "name the component"]);
    let whole = fs::read(guest("hide")).unwrap();
    let half = place.file("half", &whole[..whole.len() / 2]);
    assert_refused(&inspect(&place, &half).run(), &["does not parse", "build it again"]);
}
