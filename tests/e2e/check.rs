//! `strongroom check`: guests that keep the contract pass, a guest that breaks one promise fails that row and no other,
//! nothing is left behind and nothing else is touched.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../guests/wrong/src/lie.rs"]
mod lie;

use lie::{LIES, Shape, WITH_DIRECTORY};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use strongroom_tests::tools::tool;
use strongroom_tests::{Outcome, Place, Program, guest, guest_from_text, strongroom};

/// Checks a guest, with the cache shared, because each test would otherwise compile the same guest.
fn check(place: &Place, guest: impl AsRef<Path>) -> Program {
    static CACHE: OnceLock<(Place, PathBuf)> = OnceLock::new();
    let (_, cache) = CACHE.get_or_init(|| {
        let place = Place::new();
        let cache = place.cache();
        (place, cache)
    });
    strongroom!(place, "check", guest.as_ref(), "--cache-dir", cache)
}

fn report(program: &Program) -> (Outcome, Value) {
    let outcome = program.clone().arg("--json").run();
    let report = serde_json::from_slice(&outcome.stdout);
    let report = report.unwrap_or_else(|error| panic!("{}: {error}\n{}", program.line(), outcome.all()));
    (outcome, report)
}

/// The names of the rows with a verdict.
fn named(report: &Value, verdict: &str) -> BTreeSet<String> {
    let rows = report["rows"].as_array().unwrap().iter().filter(|row| row["verdict"] == verdict);
    rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

/// No row fails; gives those that passed.
#[track_caller]
fn passes(program: &Program) -> BTreeSet<String> {
    let (outcome, report) = report(program);
    assert!(named(&report, "fail").is_empty(), "{}\n{}", program.line(), program.run().all());
    assert_eq!(outcome.code(), Some(0), "{}", program.line());
    assert!(report["left"].is_null(), "{report}");
    named(&report, "pass")
}

fn entries(directory: &Path) -> Vec<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn wrong(place: &Place, shape: Shape) -> Program {
    check(place, guest("wrong")).args(["--set", &format!("shape={}", shape.name())])
}

fn rows() -> BTreeSet<String> {
    strongroom::check::rows().map(|row| row.name.to_owned()).collect()
}

#[test]
fn a_jail_passes_and_is_left_as_it_was() {
    let place = Place::new();
    let jail = place.directory("jail");
    place.file("jail/other/file", "not to be touched");
    for native in ["native=yes", "native=no"] {
        let passed = passes(&check(&place, "jail").arg("--dir").arg(&jail).args(["--set", native]));
        assert_eq!(passed.contains("native"), native == "native=yes");
        assert!(passed.contains("kill-and-reconnect") && passed.len() > 80, "{passed:?}");
        assert_eq!(entries(&jail), ["other"]);
    }
    assert_eq!(fs::read(jail.join("other/file")).unwrap(), b"not to be touched");
}

#[test]
fn a_jail_that_is_granted_for_reading_is_looked_at() {
    let place = Place::new();
    place.file("jail/folder/file", "something to read");
    std::os::unix::fs::symlink("file", place.path("jail/folder/link")).unwrap();
    let program = check(&place, "jail").arg("--dir").arg(format!("{}:ro", place.path("jail").display()));
    let passed = passes(&program);
    for row in ["unchanged", "read-at-end", "list-all", "read-link", "stat-link"] {
        assert!(passed.contains(row), "{row} in {passed:?}");
    }
    assert!(!passed.contains("rename"));
}

#[test]
fn memory_passes() {
    let place = Place::new();
    assert!(passes(&check(&place, "memory")).len() > 80);
}

#[test]
fn every_row_is_passed_by_a_storage_that_keeps_its_promise() {
    let place = Place::new();
    let jail = place.directory("jail");
    let mut passed = passes(&check(&place, "jail").arg("--dir").arg(&jail));
    for shape in Shape::ALL {
        passed.extend(passes(&wrong(&place, shape)));
    }
    assert_eq!(passed, rows());
}

#[test]
fn there_is_a_lie_for_every_row() {
    let lies: BTreeSet<String> = LIES.iter().map(|(lie, _)| (*lie).to_owned()).collect();
    assert_eq!(lies, rows());
    assert_eq!(strongroom::check::rows().count(), rows().len(), "two rows have one name");
}

#[test]
fn a_lie_fails_its_own_row_and_no_other() {
    let mut told = String::new();
    for (lie, shape) in LIES {
        let place = Place::new();
        let mut program = wrong(&place, *shape).args(["--set", &format!("lie={lie}")]);
        if WITH_DIRECTORY.contains(lie) {
            program = program.arg("--dir").arg(place.directory("granted"));
        }
        let (outcome, report) = report(&program);
        let failed = named(&report, "fail");
        if failed != BTreeSet::from([(*lie).to_owned()]) || outcome.code() != Some(1) {
            told.push_str(&format!("{lie}: {:?}, {failed:?}\n", outcome.code()));
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn the_table_tells_what_was_expected_and_what_came() {
    let place = Place::new();
    let outcome = wrong(&place, Shape::Plain).args(["--set", "lie=remove-a-directory"]).run();
    let table = outcome.text();
    assert!(table.contains("expected: is-a-directory"), "{table}");
    assert!(table.contains("found:    remove \"/strongroom-check-"), "{table}");
    assert!(table.contains(": failure\n"), "{table}");
    assert!(table.contains(" passed, 1 failed, "), "{table}");
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (Some(1), ""));
}

#[test]
fn a_fault_is_told_by_its_row_and_the_next_goes_on() {
    let place = Place::new();
    let faulty = |fault: &str| check(&place, guest("faulty")).args(["--set", &format!("fault={fault}")]);
    let (_, report) = report(&faulty("trap@usage").args(["--call-timeout", "1s"]));
    let failed = named(&report, "fail");
    assert!(failed.contains("usage") && failed.len() < 10, "{failed:?}");
    let row = report["rows"].as_array().unwrap().iter().find(|row| row["name"] == "usage").unwrap();
    assert!(row["found"].as_str().unwrap().contains("the guest trapped"), "{row}");
    let outcome = faulty("sleep@sync").args(["--call-timeout", "200ms"]).run();
    assert!(outcome.text().contains("did not return from `sync` within 200 ms"), "{}", outcome.all());
    assert!(!outcome.text().contains("fail         overlap"), "{}", outcome.all());
}

#[test]
fn a_storage_without_a_session_fails_one_row() {
    let place = Place::new();
    // A jail without a directory refuses to begin.
    let (outcome, report) = report(&check(&place, "jail"));
    assert_eq!(named(&report, "fail"), BTreeSet::from(["connect".to_owned()]));
    assert!(named(&report, "pass").is_empty());
    assert_eq!(outcome.code(), Some(1));
}

#[test]
fn scratch_is_where_it_is_said_and_must_be_free() {
    let place = Place::new();
    let jail = place.directory("jail");
    place.file("jail/taken/file", "");
    let program = || check(&place, "jail").arg("--dir").arg(&jail);
    let (_, told) = report(&program().args(["--scratch", "taken/new"]));
    assert_eq!(told["scratch"], "/taken/new");
    assert_eq!(entries(&jail.join("taken")), ["file"]);

    let outcome = program().args(["--scratch", "/taken"]).run();
    assert_eq!(outcome.code(), Some(2));
    let line = "strongroom: /taken: exists in the storage; name a path for --scratch that does not";
    assert_eq!(outcome.one_line(), line);
    assert_eq!(entries(&jail.join("taken")), ["file"]);

    let outcome = program().args(["--scratch", "missing/new"]).run();
    assert_eq!(outcome.code(), Some(2));
    assert!(outcome.one_line().contains("cannot be made to work in: no-such-file"), "{}", outcome.all());
}

#[test]
fn what_is_no_component_is_told_as_what_it_is() {
    let place = Place::new();
    let text = place.file("notes.wasm", "not a component\n");
    let core = place.file("core.wasm", b"\0asm\x01\0\0\0");
    let newer = guest_from_text(&place, "other-version");
    let code = place.path("memory.code");
    strongroom!(place, "compile", "memory", "-o", &code).succeed();
    for (file, word) in
        [(&text, "a text file"), (&core, "a core module"), (&newer, "the newer contract"), (&code, "native code")]
    {
        let outcome = check(&place, file).run();
        assert_eq!(outcome.code(), Some(2), "{}", outcome.all());
        assert!(outcome.one_line().contains(word), "{}", outcome.all());
        assert!(outcome.stdout.is_empty());
    }
    assert_eq!(check(&place, place.path("missing.wasm")).run().code(), Some(2));
    assert_eq!(check(&place, "memory").arg("--nonsense").run().code(), Some(2));
}

#[test]
fn a_terminal_is_shown_how_far_it_is_and_a_file_is_not() {
    let place = Place::new();
    let typed = tool(&place, "script").args(["-q", "-e", "-c", &check(&place, "memory").line(), "/dev/null"]);
    let shown = typed.env("TERM", "xterm").env("COLUMNS", "100").succeed().text();
    let count = rows().len();
    assert!(shown.contains(&format!("/{count} ")), "no bar of {count} rows: {shown:?}");
    let outcome = check(&place, "memory").succeed();
    assert_eq!(outcome.stderr, "");
    assert!(!outcome.text().contains(&format!("/{count} ")), "{}", outcome.text());
}

#[test]
fn a_path_cannot_forge_the_table() {
    let place = Place::new();
    let forged = "/x\n\n99 passed, 0 failed, 0 not offered\u{202e}";
    let told = check(&place, "memory").args(["--scratch", forged]).succeed().text();
    assert!(told.contains("worked in /x\\012\\01299 passed"), "{told}");
    assert!(!told.contains('\u{202e}') && !told.contains("\n99 passed"), "{told}");
}
