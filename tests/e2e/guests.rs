//! Guests that misbehave cost their own instance and nothing else: requests in flight get a clean status, the session
//! goes on with a fresh instance, and the log says what happened. And guests that behave decide what clients see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Attributes, Body, code, flag, kind};
use strongroom_tests::{Client, Place, Program, Reply, guest, strongroom};

/// A storage that goes wrong where it is told to, under limits that are soon reached.
fn faulty(place: &Place, fault: &str) -> Program {
    // Shared between tests, because each of them would otherwise compile the same guest.
    strongroom!(place, "run", guest("faulty"), "--cache-dir", shared_cache(), "-l", place.path("log"))
        .args(["--set", &format!("fault={fault}"), "--call-timeout", "1s", "--cpu-timeout", "500ms"])
        .args(["--close-timeout", "1s", "--max-memory", "64M", "--max-guest-log", "64K"])
}

fn shared_cache() -> &'static Path {
    use std::sync::OnceLock;
    static CACHE: OnceLock<(Place, std::path::PathBuf)> = OnceLock::new();
    &CACHE
        .get_or_init(|| {
            let place = Place::new();
            let cache = place.cache();
            (place, cache)
        })
        .1
}

fn log(place: &Place) -> String {
    fs::read_to_string(place.path("log")).unwrap()
}

/// The request gets a failure, the session goes on, and the log has the words.
#[track_caller]
fn assert_survived(fault: &str, words: &str, request: impl FnOnce(&mut Client) -> u32) {
    let place = Place::new();
    let mut client = faulty(&place, fault).connect();
    let code = request(&mut client);
    assert_eq!(code, code::FAILURE, "{fault}");
    client.realpath("/").unwrap();
    assert!(client.finish().0.success(), "{fault}: {}", log(&place));
    let log = log(&place);
    assert!(log.contains(words), "{fault}: {words:?} is not in\n{log}");
}

fn stat(client: &mut Client) -> u32 {
    refused(client.stat("/hello"))
}

fn read(client: &mut Client) -> u32 {
    let handle = client.open("/hello", flag::READ, None).unwrap();
    refused(client.read(&handle, 0, 100))
}

/// A request that is refused, and its code.
type OnSession = fn(&mut Client) -> u32;
type OnFile = fn(&mut Client, &[u8]) -> u32;

#[test]
fn a_trap_in_any_operation_is_a_failure_and_the_session_goes_on() {
    let on_session: [(&str, OnSession); 12] = [
        ("stat", |client| refused(client.stat("/hello"))),
        ("set-stat", |client| refused(client.setstat("/hello", &Attributes::permissions(0o600)))),
        ("open", |client| refused(client.open("/hello", flag::READ, None))),
        ("open-directory", |client| refused(client.opendir("/"))),
        ("make-directory", |client| refused(client.mkdir("/new", None))),
        ("remove-directory", |client| refused(client.rmdir("/new"))),
        ("remove", |client| refused(client.remove("/hello"))),
        ("rename", |client| refused(client.rename("/hello", "/other"))),
        ("read-link", |client| refused(client.readlink("/hello"))),
        ("symlink", |client| refused(client.symlink("hello", "/link"))),
        ("hard-link", |client| refused(client.hardlink("/hello", "/link"))),
        ("usage", |client| refused(client.statvfs("/"))),
    ];
    for (operation, request) in on_session {
        assert_survived(&format!("trap@{operation}"), "the guest trapped", request);
    }
    let on_file: [(&str, OnFile); 6] = [
        ("read", |client, handle| refused(client.read(handle, 0, 10))),
        ("write", |client, handle| refused(client.write(handle, 0, b"x"))),
        ("file-stat", |client, handle| refused(client.fstat(handle))),
        ("file-set-stat", |client, handle| refused(client.fsetstat(handle, &Attributes::permissions(0o600)))),
        ("sync", |client, handle| refused(client.fsync(handle))),
        ("close-file", |client, handle| refused(client.close(handle))),
    ];
    for (operation, request) in on_file {
        assert_survived(&format!("trap@{operation}"), "the guest trapped", |client| {
            let handle = client.open("/scratch", flag::READ | flag::WRITE, None).unwrap();
            request(client, &handle)
        });
    }
    assert_survived("trap@read-directory", "the guest trapped", |client| {
        let handle = client.opendir("/").unwrap();
        refused(client.readdir(&handle))
    });
}

/// A storage whose calls need no tasks. Its names are what it does.
fn prompt(place: &Place) -> Program {
    strongroom!(place, "run", guest("prompt"), "--cache-dir", shared_cache(), "-l", place.path("log")).args([
        "--log-level",
        "DEBUG",
        "--cpu-timeout",
        "500ms",
        "--max-memory",
        "64M",
    ])
}

#[test]
fn a_storage_that_never_waits_costs_no_more_than_its_instance_either() {
    for (name, words) in [
        ("/trap", "the guest trapped"),
        ("/spin", "--cpu-timeout"),
        ("/grow", "--max-memory"),
        ("/recurse", "the guest trapped"),
        ("/wait", "said that it never waits"),
    ] {
        let place = Place::new();
        let mut client = prompt(&place).connect();
        let handle = client.open("/hello", flag::READ, None).unwrap();
        assert_eq!(client.read(&handle, 1, 2).unwrap(), b"el");
        // Of requests that arrive together those before it are served, and all are answered.
        let ids: Vec<u32> =
            ["/before", name, "/after"].map(|path| client.send(kind::STAT, Body::new().string(path.as_bytes()))).into();
        let replies: Vec<Reply> = ids.into_iter().map(|id| client.receive(id)).collect();
        assert!(matches!(replies[0], Reply::Attributes(_)), "{name}: {replies:?}");
        assert!(matches!(&replies[1], Reply::Status(status) if status.code == code::FAILURE), "{name}: {replies:?}");
        assert_eq!(refused(client.read(&handle, 0, 5)), code::FAILURE, "{name}: an open file is lost");
        assert_eq!(client.get("/hello").unwrap(), b"hello", "{name}");
        assert!(client.finish().0.success(), "{name}");
        let log = log(&place);
        assert!(log.contains("guest: never waits"), "{name}: {log}");
        assert!(log.contains(words), "{name}: {words:?} is not in\n{log}");
    }
}

#[test]
fn a_storage_that_never_waits_and_fails_to_connect_gets_one_line_and_status_1() {
    for (fault, words) in [("connect=trap", "trapped"), ("connect=spin", "--cpu-timeout")] {
        let place = Place::new();
        let outcome = prompt(&place).args(["--set", fault]).run();
        assert_eq!(outcome.code(), Some(1), "{fault}: {}", outcome.all());
        assert!(outcome.one_line().contains(words), "{fault}: {}", outcome.stderr);
        assert_eq!(outcome.text(), "", "{fault}");
    }
}

#[test]
fn a_storage_that_never_waits_is_interrupted_after_idleness_too() {
    let place = Place::new();
    let mut client = prompt(&place).connect();
    assert_eq!(client.get("/hello").unwrap(), b"hello");
    // By then the thread that counts epochs sleeps.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(refused(client.stat("/spin")), code::FAILURE);
    assert!(client.finish().0.success());
    assert!(log(&place).contains("--cpu-timeout"), "{}", log(&place));
}

#[test]
fn a_storage_that_never_waits_has_a_stack_of_its_own_where_that_of_the_process_is_small() {
    let place = Place::new();
    assert_eq!(prompt(&place).connect().get("/hello").unwrap(), b"hello");
    // Less than a guest may use.
    let line = format!("ulimit -s 500 && exec {}", prompt(&place).line());
    let mut client = Program::new(&place, "/bin/sh").args(["-c", &line]).connect();
    assert_eq!(refused(client.stat("/recurse")), code::FAILURE);
    let handle = client.open("/hello", flag::READ, None).unwrap();
    assert_eq!(client.read(&handle, 1, 2).unwrap(), b"el");
    client.close(&handle).unwrap();
    assert!(client.finish().0.success());
    assert!(log(&place).contains("the guest trapped"), "{}", log(&place));
}

#[test]
fn a_component_that_only_speaks_of_tasks_is_served_with_them() {
    let place = Place::new();
    let path = place.path("speaks.wasm");
    // A section with one type that nothing uses: a future of a byte.
    let section = [7, 4, 1, 0x65, 1, 0x7D];
    fs::write(&path, [fs::read(guest("prompt")).unwrap(), section.to_vec()].concat()).unwrap();
    let server = strongroom!(place, "run", path, "--cache-dir", shared_cache(), "-l", place.path("log"));
    let mut client = server.args(["--log-level", "DEBUG"]).connect();
    assert_eq!(client.get("/hello").unwrap(), b"hello");
    assert!(client.finish().0.success());
    assert!(!log(&place).contains("guest: never waits"), "{}", log(&place));
}

#[test]
fn a_trap_where_a_file_is_dropped_is_the_failure_of_its_close() {
    let place = Place::new();
    let mut client = prompt(&place).connect();
    let handle = client.open("/drop", flag::READ, None).unwrap();
    assert_eq!(refused(client.close(&handle)), code::FAILURE);
    assert_eq!(client.list("/").unwrap(), ["hello"]);
    assert!(client.finish().0.success());
    assert!(log(&place).contains("the guest trapped"));
}

#[test]
fn patience_at_the_end_holds_for_a_storage_that_never_waits_too() {
    let place = Place::new();
    let mut client = prompt(&place).args(["--end-timeout", "1s"]).connect();
    for _ in 0..40 {
        client.open("/late", flag::READ, None).unwrap();
    }
    assert!(!client.finish().0.success());
    assert!(log(&place).contains("--end-timeout"), "{}", log(&place));
}

#[test]
fn after_a_fault_open_handles_are_dead_and_new_ones_work() {
    let place = Place::new();
    let mut client = faulty(&place, "trap@usage").connect();
    let file = client.open("/hello", flag::READ, None).unwrap();
    let directory = client.opendir("/").unwrap();
    assert_eq!(refused(client.statvfs("/")), code::FAILURE);
    assert_eq!(refused(client.read(&file, 0, 10)), code::FAILURE);
    assert_eq!(refused(client.readdir(&directory)), code::FAILURE);
    assert_eq!(client.get("/hello").unwrap(), b"hello, world\n");
}

#[test]
fn requests_in_flight_all_get_an_answer_when_the_instance_dies() {
    let place = Place::new();
    let mut client = faulty(&place, "sleep@read").connect();
    let handle = client.open("/hello", flag::READ, None).unwrap();
    let reads: Vec<u32> =
        (0..50).map(|_| client.send(kind::READ, Body::new().string(&handle).u64(0).u32(10))).collect();
    for id in reads {
        assert!(matches!(client.receive(id), Reply::Status(status) if status.code == code::FAILURE));
    }
    assert_eq!(client.list("/").unwrap(), ["hello", "scratch"]);
    assert!(log(&place).contains("--call-timeout"), "{}", log(&place));
}

#[test]
fn a_guest_that_spins_is_stopped() {
    assert_survived("spin@stat", "--cpu-timeout", stat);
    assert_survived("spin@read", "--cpu-timeout", read);
}

#[test]
fn a_guest_that_waits_for_ever_is_stopped() {
    assert_survived("sleep@stat", "--call-timeout", stat);
    assert_survived("block@read", "--call-timeout", read);
}

#[test]
fn a_close_that_waits_for_ever_is_stopped_by_its_own_limit() {
    assert_survived("sleep@close-file", "--close-timeout", |client| {
        let handle = client.open("/hello", flag::READ, None).unwrap();
        refused(client.close(&handle))
    });
}

#[test]
fn a_guest_that_fails_to_connect_gets_one_line_and_status_1() {
    for (fault, words) in [
        ("trap@connect", "trapped"),
        ("spin@connect", "--cpu-timeout"),
        ("sleep@connect", "--call-timeout"),
        ("panic@connect", "trapped"),
        ("dots-home", "connect"),
        ("relative-home", "connect"),
    ] {
        let place = Place::new();
        let outcome = faulty(&place, fault).run();
        assert_eq!(outcome.code(), Some(1), "{fault}: {}", outcome.all());
        assert!(outcome.one_line().contains(words), "{fault}: {}", outcome.stderr);
        assert_eq!(outcome.text(), "", "{fault}");
    }
}

#[test]
fn a_guest_that_grows_past_its_memory_or_stack_is_stopped() {
    assert_survived("grow@stat", "--max-memory", stat);
    assert_survived("recurse@stat", "the guest trapped", stat);
}

#[test]
fn a_panic_is_one_line_in_the_log_with_its_message_escaped() {
    let place = Place::new();
    let mut client = faulty(&place, "panic@stat").connect();
    assert_eq!(stat(&mut client), code::FAILURE);
    client.finish();
    let log = log(&place);
    assert!(log.contains("a guest that panics"), "{log}");
    assert!(!log.contains('\x1b'), "{log}");
    assert!(log.lines().all(|line| line.contains("strongroom[")), "{log}");
}

#[test]
fn a_flood_in_the_log_is_cut() {
    let place = Place::new();
    let mut client = faulty(&place, "flood@stat").connect();
    client.stat("/hello").unwrap();
    client.stat("/hello").unwrap();
    client.finish();
    let log = log(&place);
    assert!(log.contains("--max-guest-log"), "no word of the limit");
    assert!(log.len() < 200_000, "{} bytes of log", log.len());
}

#[test]
fn answers_that_break_the_contract_never_reach_the_client() {
    for fault in ["long-read", "huge-read"] {
        assert_survived(fault, "guest", read);
    }
    for fault in ["slash-name", "nul-name", "dot-name", "dots-name", "empty-name", "many-entries"] {
        assert_survived(fault, "the guest broke the contract", |client| {
            let handle = client.opendir("/").unwrap();
            refused(client.readdir(&handle))
        });
    }
    let place = Place::new();
    let mut client = faulty(&place, "nul-target").connect();
    client.symlink("hello", "/link").unwrap();
    assert_eq!(refused(client.readlink("/link")), code::FAILURE);
    assert!(log(&place).contains("the guest broke the contract"), "{}", log(&place));
    for fault in ["relative-path", "dots-path", "slashes-path", "nul-path"] {
        let place = Place::new();
        let mut client = faulty(&place, fault).connect();
        assert_eq!(refused(client.realpath("/hello")), code::FAILURE, "{fault}");
        client.stat("/hello").unwrap();
        assert!(log(&place).contains("the guest broke the contract"), "{fault}: {}", log(&place));
    }
}

#[test]
fn what_a_guest_says_in_errors_is_cut_and_cleaned() {
    for fault in ["huge-error@stat", "ugly-error@stat"] {
        let place = Place::new();
        let mut client = faulty(&place, fault).connect();
        let status = client.stat("/hello").unwrap_err();
        assert!(status.message.len() <= 256, "{fault}: {} bytes", status.message.len());
        assert!(!status.message.chars().any(char::is_control), "{fault}: {:?}", status.message);
        client.realpath("/").unwrap();
        client.finish();
        let log = log(&place);
        assert!(!log.contains('\x1b') && log.lines().all(|line| line.contains("strongroom[")), "{fault}");
    }
}

#[test]
fn odd_attributes_are_made_presentable() {
    for fault in ["odd-time", "far-time", "wide-permissions"] {
        let place = Place::new();
        let mut client = faulty(&place, fault).connect();
        if let Ok(found) = client.stat("/hello") {
            let bits = found.permissions.unwrap();
            assert_eq!(bits & !0o177_777, 0, "{fault}: {bits:o}");
            assert_eq!(bits & 0o170_000, 0o100_000, "{fault}: {bits:o}");
        }
        client.realpath("/").unwrap();
    }
}

#[test]
fn a_guest_that_faults_again_and_again_ends_the_session() {
    let place = Place::new();
    let mut client = faulty(&place, "trap@stat").args(["--max-restarts", "3"]).connect();
    for _ in 0..3 {
        assert_eq!(stat(&mut client), code::FAILURE);
    }
    client.send(kind::STAT, Body::new().string("/hello"));
    while client.receive_packet().is_some() {}
    assert_eq!(client.process().wait().code(), Some(1));
}

// The guest decides: `hide` hides `.secret` and has `/a` for the directory's `b`.

struct Hidden {
    place: Place,
}

impl Hidden {
    fn new() -> Self {
        let place = Place::new();
        place.file("granted/.secret", "secret");
        place.file("granted/b/file", "in b");
        place.file("granted/b/.secret", "secret");
        place.file("granted/c/file", "in c");
        place.file("granted/a", "the directory's own a, which no client sees");
        Self { place }
    }

    fn connect(&self) -> Client {
        let granted = self.place.path("granted");
        strongroom!(self.place, "run", guest("hide"), "--dir", granted, "--cache-dir", shared_cache()).connect()
    }
}

#[test]
fn the_guest_decides_what_is_listed_and_opened() {
    let hidden = Hidden::new();
    let mut client = hidden.connect();
    assert_eq!(client.list("/").unwrap(), ["a", "c"]);
    assert_eq!(client.list("/a").unwrap(), ["file"]);
    assert_eq!(client.get("/a/file").unwrap(), b"in b");
    for path in ["/.secret", "/a/.secret", "/b", "/b/file", "/c/../.secret", ".secret"] {
        assert_eq!(refused(client.get(path)), code::NO_SUCH_FILE, "{path}");
        assert_eq!(refused(client.stat(path)), code::NO_SUCH_FILE, "{path}");
        assert_eq!(refused(client.lstat(path)), code::NO_SUCH_FILE, "{path}");
        assert_eq!(refused(client.opendir(path)), code::NO_SUCH_FILE, "{path}");
    }
    assert!(client.stat("/a").unwrap().is_directory());
    assert_eq!(client.realpath("/a").unwrap(), b"/a");
}

#[test]
fn the_guest_decides_what_is_changed() {
    let hidden = Hidden::new();
    let mut client = hidden.connect();
    let on_disk = |name: &str| hidden.place.path("granted").join(name);
    client.put("/a/new", b"new").unwrap();
    assert_eq!(fs::read(on_disk("b/new")).unwrap(), b"new");
    client.rename("/a/new", "/c/new").unwrap();
    assert!(on_disk("c/new").exists());
    assert!(client.rename("/.secret", "/c/secret").is_err());
    assert!(client.rename("/c/new", "/.secret").is_err());
    assert!(client.rename("/c/new", "/b/new").is_err());
    assert!(client.put("/.secret", b"overwritten").is_err());
    assert!(client.mkdir("/a/.secret", None).is_err());
    assert!(client.remove("/.secret").is_err());
    assert!(client.setstat("/.secret", &Attributes::permissions(0o777)).is_err());
    assert!(client.symlink("x", "/a/.secret").is_err());
    assert_eq!(fs::read(on_disk(".secret")).unwrap(), b"secret");
    assert_eq!(fs::read(on_disk("b/.secret")).unwrap(), b"secret");
    assert!(on_disk("c/new").exists());
}

#[test]
fn the_guest_decides_about_extensions_too() {
    let hidden = Hidden::new();
    let mut client = hidden.connect();
    let on_disk = |name: &str| hidden.place.path("granted").join(name);
    client.put("/a/new", b"new").unwrap();
    client.posix_rename("/a/new", "/c/file").unwrap();
    assert_eq!(fs::read(on_disk("c/file")).unwrap(), b"new");
    client.hardlink("/c/file", "/a/linked").unwrap();
    assert_eq!(fs::read(on_disk("b/linked")).unwrap(), b"new");
    client.lsetstat("/a/linked", &Attributes::permissions(0o600)).unwrap();
    client.statvfs("/a").unwrap();
    for refused_code in [
        refused(client.posix_rename("/c/file", "/.secret")),
        refused(client.posix_rename("/.secret", "/c/secret")),
        refused(client.hardlink("/.secret", "/c/secret")),
        refused(client.hardlink("/c/file", "/a/.secret")),
        refused(client.lsetstat("/.secret", &Attributes::permissions(0o777))),
        refused(client.statvfs("/.secret")),
        refused(client.statvfs("/b")),
    ] {
        assert_ne!(refused_code, code::OP_UNSUPPORTED);
    }
    let handle = client.open("/a/linked", flag::READ | flag::WRITE, None).unwrap();
    client.fsync(&handle).unwrap();
    client.close(&handle).unwrap();
    assert_eq!(fs::read(on_disk(".secret")).unwrap(), b"secret");
}

#[test]
fn a_guest_without_a_grant_reaches_nothing() {
    let place = Place::new();
    place.file("home/file", "not granted");
    let outcome = strongroom!(place, "run", guest("hide"), "--cache-dir", shared_cache()).run();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.all());
    outcome.one_line();
}
