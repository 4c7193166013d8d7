//! The release executable, seen from outside while a session is up.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use strongroom_tests::{Client, PATIENCE, Place, Program, guest, strongroom};

fn jail(place: &Place) -> Program {
    place.file("jail/file", "contents");
    strongroom!(place, "jail", "-l", place.path("log"), place.path("jail"))
}

fn log(place: &Place) -> String {
    fs::read_to_string(place.path("log")).unwrap()
}

/// `Seccomp` and `NoNewPrivs` of each thread, by its name.
fn threads(client: &mut Client) -> Vec<(String, String, String)> {
    let tasks = PathBuf::from(format!("/proc/{}/task", client.process().id()));
    let mut threads = Vec::new();
    for task in fs::read_dir(tasks).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_else(|| panic!("no {name} in {status}")).trim().to_owned()
        };
        threads.push((field("Name"), field("Seccomp"), field("NoNewPrivs")));
    }
    threads
}

/// The same once the epoch's thread has run far enough to have its name.
fn threads_once_named(client: &mut Client) -> Vec<(String, String, String)> {
    let end = Instant::now() + PATIENCE;
    loop {
        let threads = threads(client);
        if threads.iter().any(|(name, ..)| name == "epoch") {
            return threads;
        }
        assert!(Instant::now() < end, "{threads:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn every_thread_of_a_session_is_confined() {
    let place = Place::new();
    let programs = [jail(&place), strongroom!(place, "memory"), strongroom!(place, "run", guest("slow"))];
    for program in programs {
        let program = program.arg("--require-sandbox");
        let mut client = program.connect();
        client.stat("/").unwrap();
        let threads = threads_once_named(&mut client);
        for (name, seccomp, no_new_privs) in &threads {
            assert_eq!((seccomp.as_str(), no_new_privs.as_str()), ("2", "1"), "{}: {name}", program.line());
        }
        let limits = fs::read_to_string(format!("/proc/{}/limits", client.process().id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
        client.finish();
    }
    assert!(!log(&place).contains("confined"), "{}", log(&place));
}

pub fn a_session_cannot_be_looked_into_by_its_own_user() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    for file in ["mem", "environ", "maps"] {
        let path = format!("/proc/{}/{file}", client.process().id());
        let error = fs::read(&path).expect_err(&path);
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{path}");
    }
}

pub fn it_is_switched_off_by_name() {
    let place = Place::new();
    let mut client = jail(&place).arg("--no-os-sandbox").connect();
    assert_eq!(client.get("/file").unwrap(), b"contents");
    for (name, seccomp, no_new_privs) in threads(&mut client) {
        assert_eq!(seccomp, "0", "{name}");
        // `tests/as-user` sets it, and it is inherited.
        let own = fs::read_to_string("/proc/self/status").unwrap();
        assert!(own.lines().any(|line| line == format!("NoNewPrivs:\t{no_new_privs}")), "{name}");
    }
    client.finish();
    assert_eq!(log(&place).matches("not confined (--no-os-sandbox)").count(), 1, "{}", log(&place));

    let outcome = jail(&place).args(["--no-os-sandbox", "--require-sandbox"]).run();
    assert_eq!(outcome.code(), Some(2), "{}", outcome.all());
}

pub fn a_kernel_that_lacks_it_is_told_of_or_refused() {
    for missing in ["landlock", "seccomp"] {
        let place = Place::new();
        let log_file = place.path("log");
        place.file("jail/file", "contents");
        let server = |option: &[&str]| {
            let lacking = Program::new(&place, std::env::current_exe().unwrap());
            let lacking = lacking.args(["lacking", missing, env!("CARGO_BIN_EXE_strongroom"), "jail", "-l"]);
            lacking.arg(&log_file).args(option).arg(place.path("jail"))
        };
        let mut client = server(&[]).connect();
        client.mkdir("/folder", None).unwrap();
        client.rename("/file", "/folder/file").unwrap();
        client.finish();
        let told = log(&place);
        let lines: Vec<&str> = told.lines().filter(|line| line.contains("not fully confined")).collect();
        assert!(matches!(lines.as_slice(), [line] if line.contains(missing)), "{told}");

        let outcome = server(&["--require-sandbox"]).run();
        assert_eq!(outcome.code(), Some(1), "{}", outcome.all());
        let line = outcome.one_line();
        assert!(line.contains("--require-sandbox") && line.contains(missing), "{line}");
        server(&["--no-os-sandbox"]).connect().finish();
    }
}

pub fn names_of_owners_are_still_known() {
    let place = Place::new();
    let mut client = jail(&place).arg("--show-names").connect();
    let entries = client.entries("/").unwrap();
    let file = entries.iter().find(|entry| entry.name == b"file").unwrap();
    let own = std::env::var("USER").unwrap();
    assert!(String::from_utf8_lossy(&file.longname).contains(&own), "{:?} of {own}", file.longname);
}

pub fn the_log_goes_on_after_a_rotation() {
    let place = Place::new();
    let mut client = jail(&place).connect();
    client.get("/file").unwrap();
    fs::rename(place.path("log"), place.path("log.1")).unwrap();
    client.mkdir("/after", None).unwrap();
    client.finish();
    assert!(!place.path("log").exists());
    assert!(fs::read_to_string(place.path("log.1")).unwrap().contains("mkdir name \"/after\""));
}
