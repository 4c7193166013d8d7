//! Components of strangers are compiled in a process of its own: what bounds it, what it cannot do, and what is taken
//! from it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use strongroom_tests::{Outcome, PATIENCE, Place, Program, guest, strongroom};

/// A component that takes the compiler many seconds: functions that are each one long block. It is a storage by name, since
/// what is none is not compiled.
fn heavy(place: &Place) -> PathBuf {
    const FUNCTIONS: usize = 60;
    const STEPS: usize = 8_000;
    let mut text = String::from("(component (core module\n");
    for function in 0..FUNCTIONS {
        text.push_str("(func (param i32 i32) (result i32) local.get 0\n");
        for step in 0..STEPS {
            let constant = function * STEPS + step;
            write!(text, "local.get 1 i32.mul i32.const {constant} i32.xor local.tee 1 i32.popcnt ").unwrap();
        }
        text.push_str(")\n");
    }
    text.push_str(r#") (instance $storage) (export "strongroom:storage/storage@0.1.0" (instance $storage)))"#);
    place.file("heavy.wasm", wat::parse_str(&text).unwrap())
}

fn run(place: &Place, component: &Path) -> Program {
    strongroom!(place, "run", component)
}

#[track_caller]
fn assert_refused(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.code(), Some(1), "{}", outcome.all());
    assert!(outcome.stdout.is_empty(), "{}", outcome.all());
    let line = outcome.one_line();
    for word in words {
        assert!(line.contains(word), "{word} in {line}");
    }
}

/// The compiler's process of the server with the id `server`.
fn compiler_of(server: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.find(|id| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        status.lines().any(|line| line == format!("PPid:\t{server}"))
    })
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} does not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_takes_too_long_is_refused_in_one_line() {
    let place = Place::new();
    let component = heavy(&place);
    let outcome = run(&place, &component).args(["--compile-timeout", "300ms"]).run();
    assert_refused(&outcome, &[component.to_str().unwrap(), "did not compile within 0.3 s", "--compile-timeout"]);
    assert_eq!(fs::read_dir(place.cache().join("strongroom")).map_or(0, Iterator::count), 0, "nothing was kept");
}

#[test]
fn what_takes_too_much_memory_is_refused_in_one_line() {
    let place = Place::new();
    let component = heavy(&place);
    let outcome = run(&place, &component).args(["--compile-memory", "96M"]).run();
    assert_refused(&outcome, &[component.to_str().unwrap(), "100663296 bytes of memory", "--compile-memory"]);
}

#[test]
fn a_hundred_megabytes_are_no_component() {
    let place = Place::new();
    let component = place.file("large.wasm", b"\0asm\x0d\0\x01\0");
    fs::OpenOptions::new().write(true).open(&component).unwrap().set_len(100_000_000).unwrap();
    assert_refused(&run(&place, &component).run(), &[component.to_str().unwrap(), "is larger than 67108864 bytes"]);
}

#[test]
fn a_client_is_told_no_more_than_that_it_is_not_served() {
    let place = Place::new();
    let component = heavy(&place);
    let log = place.path("log");
    let program = run(&place, &component).args(["--compile-timeout", "300ms", "-l"]).arg(&log);
    let outcome = program.env("SSH_CONNECTION", "192.0.2.7 1 192.0.2.1 22").run();
    assert_refused(&outcome, &["this account cannot be served"]);
    assert!(!outcome.stderr.contains("heavy") && !outcome.stderr.contains("compile"), "{}", outcome.stderr);
    assert!(fs::read_to_string(log).unwrap().contains("--compile-timeout"));
}

#[test]
fn precompiled_code_is_not_taken_for_a_guest() {
    let place = Place::new();
    let component = fs::read(guest("hide")).unwrap();
    let code = wasmtime::Engine::default().precompile_component(&component).unwrap();
    let file = place.file("guest.wasm", code);
    assert_refused(&run(&place, &file).run(), &[file.to_str().unwrap(), "native code", "name the component"]);
}

#[test]
fn the_compiler_is_confined_and_dies_with_the_server() {
    let place = Place::new();
    let mut client = run(&place, &heavy(&place)).unconnected();
    let server = client.process().id();
    // It compiles once it has more than one thread, and by then it is confined.
    let compiler = wait_for("the compiler", || {
        let compiler = compiler_of(server)?;
        (fs::read_dir(format!("/proc/{compiler}/task")).ok()?.count() > 1).then_some(compiler)
    });
    for task in fs::read_dir(format!("/proc/{compiler}/task")).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        for line in ["Seccomp:\t2", "NoNewPrivs:\t1"] {
            assert!(status.lines().any(|found| found == line), "{line} in {status}");
        }
    }
    let limits = fs::read_to_string(format!("/proc/{compiler}/limits")).unwrap();
    for (name, value) in [("Max address space", 2_u64 << 30), ("Max core file size", 0)] {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        assert_eq!(line.split_whitespace().next(), Some(value.to_string().as_str()), "{name}");
    }
    drop(client);
    wait_for("the compiler's end", || {
        let status = fs::read_to_string(format!("/proc/{compiler}/status"));
        status.map_or(true, |status| status.contains("State:\tZ")).then_some(())
    });
}

#[test]
fn code_is_kept_for_its_user_and_taken_only_whole() {
    let place = Place::new();
    place.file("granted/file", "granted");
    let log = place.path("log");
    let program = run(&place, &guest("hide")).arg("--dir").arg(place.path("granted")).arg("-l").arg(&log);
    let compilations = || fs::read_to_string(&log).unwrap().matches("compiling the guest").count();
    let serve = || {
        let mut client = program.connect();
        client.realpath("/").unwrap();
        client.finish();
    };
    serve();
    serve();
    assert_eq!(compilations(), 1, "the second start takes it from the cache");
    let entries: Vec<PathBuf> =
        fs::read_dir(place.cache().join("strongroom")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!(fs::metadata(entry).unwrap().permissions().mode() & 0o7777, 0o600);

    let whole = fs::read(entry).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    let mut other_engine = whole.clone();
    *other_engine.last_mut().unwrap() ^= 1;
    let cut = whole[..whole.len() - 1].to_vec();
    let damages = [(changed, "its hash"), (other_engine, "another engine"), (cut, "cut off"), (Vec::new(), "cut off")];
    for (count, (damaged, reason)) in damages.into_iter().enumerate() {
        fs::write(entry, damaged).unwrap();
        serve();
        assert_eq!(compilations(), count + 2, "{reason}");
        assert!(fs::read_to_string(&log).unwrap().contains(reason), "{reason}");
        assert_eq!(fs::read(entry).unwrap().len(), whole.len(), "{reason}: replaced");
    }
}
