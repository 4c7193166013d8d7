//! What the documents say of tests and of wasmtime's settings is held against the sources, so that neither can change
//! without the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "kept_true/documents.rs"]
mod documents;
#[path = "kept_true/sources.rs"]
mod sources;
#[path = "kept_true/tests.rs"]
mod tests;

use documents::{quoted, tables};
use sources::{Package, Sources};
use std::collections::BTreeMap;
use std::fs;
use strongroom_tests::{Place, repository};
use tests::Tests;

/// Where each type lives, and which section of the list is its.
const TYPES: [(&str, &str); 5] = [
    ("Config", "wasmtime"),
    ("StoreLimitsBuilder", "wasmtime"),
    ("Store", "wasmtime"),
    ("ResourceTable", "wasmtime"),
    ("WasiCtxBuilder", "wasmtime-wasi"),
];

const LIST: &str = "runtime/src/sandbox/wasmtime-settings.md";

#[test]
fn every_setting_of_wasmtime_is_decided() {
    let list = fs::read_to_string(repository().join(LIST)).unwrap();
    let ours = Sources::read(&repository().join("runtime/src/sandbox"));
    let packages = Package::locked(&Place::new(), &["wasmtime", "wasmtime-wasi"]);
    let mut wrong = Vec::new();
    for (type_name, package) in TYPES {
        let theirs = packages[package].sources.setters(type_name);
        assert!(theirs.len() > 4, "{package} has only {} setters of {type_name}", theirs.len());
        let decisions = decisions(&list, type_name, &mut wrong);
        for setter in theirs.iter().filter(|setter| !decisions.contains_key(*setter)) {
            wrong.push(format!("{type_name}::{setter} of {} is not in {LIST}", packages[package].name));
        }
        for (setter, decision) in &decisions {
            if !theirs.contains(setter) {
                wrong.push(format!("{type_name}::{setter} is in {LIST} and not in {}", packages[package].name));
            }
            wrong.extend(
                contradiction(&ours, type_name, setter, decision).map(|what| format!("{type_name}::{setter}: {what}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the list says of each setter of a type.
fn decisions(list: &str, type_name: &str, wrong: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut decisions = BTreeMap::new();
    let section = tables(list).into_iter().filter(|row| row.section == type_name);
    for row in section {
        let [setters, decision, reason] = row.cells.as_slice() else { panic!("{LIST}: {row:?} has not three columns") };
        assert!(!reason.is_empty(), "{LIST}: {setters} has no reason");
        for setter in quoted(setters) {
            if decisions.insert(setter.clone(), decision.clone()).is_some() {
                wrong.push(format!("{type_name}::{setter} is in {LIST} twice"));
            }
        }
    }
    decisions
}

/// Whether our own source does something else than the list says.
fn contradiction(ours: &Sources, type_name: &str, setter: &str, decision: &str) -> Option<String> {
    match decision {
        "set" if !ours.calls(setter) => Some("`set`, and nothing in sandbox/ calls it".to_owned()),
        "never" if ours.calls(setter) => Some("`never`, and it is called".to_owned()),
        // The names of other types' setters are those of much else.
        "no limit" if type_name == "Config" && ours.calls(setter) => Some("`no limit`, and it is called".to_owned()),
        "set" | "never" | "no limit" => None,
        other => {
            let function = other.strip_prefix("by ").map(quoted);
            match function.as_deref() {
                Some([function]) if ours.defines(function) => None,
                _ => Some(format!("{other:?} names no function of sandbox/ and is no decision")),
            }
        }
    }
}

#[test]
fn every_test_that_a_document_names_exists() {
    let tests = Tests::of(&repository());
    let mut wrong = Vec::new();
    for (document, sections) in [
        ("SECURITY.md", ["By clients", "By guests", "By whoever has broken out of the WebAssembly sandbox"].as_slice()),
        ("tests/CONFORMANCE.md", ["What clients rely on, and where it is tested", "What attackers try"].as_slice()),
        ("tests/README.md", ["draft-ietf-secsh-filexfer-02, section by section"].as_slice()),
    ] {
        let text = fs::read_to_string(repository().join(document)).unwrap();
        for section in sections {
            let rows: Vec<_> = tables(&text).into_iter().filter(|row| row.section == *section).collect();
            assert!(rows.len() > 5, "{document} has no table in the section {section:?}");
            for row in rows {
                let named = quoted(row.cells.last().unwrap());
                let missing = named.iter().filter(|name| !tests.has(name));
                wrong.extend(missing.map(|name| format!("{document}: {}: there is no test {name}", row.cells[0])));
                // The draft's sections are tested beneath, and a client's reading is no test.
                if named.is_empty() && document == "SECURITY.md" {
                    wrong.push(format!("{document}: {} has no test", row.cells[0]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
