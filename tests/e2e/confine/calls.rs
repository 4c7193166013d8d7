//! What the subject says when it is confined, and what it says when it is not.

use crate::subject::FORBIDDEN;
use std::collections::BTreeMap;
use std::fs;
use strongroom_tests::{Place, Program};

const REFUSED: &str = "1";
const DENIED: &str = "13";

/// What came of each try: "done", or the number of the error.
fn said(place: &Place, words: &[&str]) -> BTreeMap<String, String> {
    let outcome = Program::new(place, std::env::current_exe().unwrap()).args(words).succeed();
    let text = outcome.text();
    let lines = text.lines().map(|line| line.split_once(": ").unwrap());
    lines.map(|(what, result)| (what.to_owned(), result.to_owned())).collect()
}

#[track_caller]
fn assert_said(said: &BTreeMap<String, String>, result: &str, tries: &[&str]) {
    for what in tries {
        assert_eq!(said.get(*what).map(String::as_str), Some(result), "{what}");
    }
}

pub fn each_forbidden_call_is_refused() {
    let place = Place::new();
    let names: Vec<&str> = FORBIDDEN.iter().map(|(name, _)| *name).collect();
    let (free, confined) = (said(&place, &["calls", "free"]), said(&place, &["calls", "confined"]));
    assert_eq!((free.len(), confined.len()), (names.len(), names.len()));
    let missing = libc::ENOSYS.to_string();
    // Of a process that is not confined the filter that stands in for the kernel answers.
    assert_said(&free, &missing, &names);
    assert_said(&confined, REFUSED, &names);
    println!("{} calls tried", names.len());
}

pub fn calls_with_a_condition_are_refused_without_it() {
    let place = Place::new();
    let free = said(&place, &["conditions", "free"]);
    assert_said(&free, "done", &["fork", "mprotect", "mmap executable", "prctl", "limits", "a thread"]);
    let confined = said(&place, &["conditions", "confined"]);
    assert_said(&confined, REFUSED, &["fork", "mprotect", "mmap executable", "a signal to another", "prctl", "limits"]);
    assert_said(&confined, "done", &["a signal to itself", "a thread"]);
    assert_said(&confined, &libc::ENOSYS.to_string(), &["clone3"]);
}

fn files() -> (Place, BTreeMap<String, String>) {
    let place = Place::new();
    for directory in ["granted", "readonly", "outside"] {
        place.file(format!("{directory}/file"), directory);
    }
    let fifo = place.path("granted/fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let said = said(&place, &["files", place.path("").to_str().unwrap()]);
    (place, said)
}

pub fn files_outside_are_closed_to_every_thread() {
    let (place, said) = files();
    assert_said(&said, DENIED, &["main", "thread", "blocking", "nested"]);
    assert_said(&said, DENIED, &["list outside", "create outside", "remove outside", "passwd", "proc"]);
    assert_said(&said, DENIED, &["create readonly", "truncate readonly"]);
    for what in ["rename out", "link in", "rename to readonly"] {
        let result = said.get(what).map(String::as_str);
        // EXDEV, where a right of landlock's is what is missing to move a file.
        assert!(matches!(result, Some(DENIED | "18")), "{what}: {result:?}");
    }
    assert_eq!(fs::read(place.path("outside/file")).unwrap(), b"outside");
    assert_eq!(fs::read(place.path("readonly/file")).unwrap(), b"readonly");
    assert!(!place.path("granted/stolen").exists() && !place.path("outside/moved").exists());
}

pub fn what_is_granted_stays_open() {
    let (_place, said) = files();
    assert_said(&said, "done", &["already open", "read readonly", "create", "mkdir", "rename across", "link across"]);
    assert_said(&said, "done", &["rename a fifo", "chmod by descriptor", "list by descriptor"]);
}

pub fn the_log_is_found_again_by_its_own_socket_only() {
    let place = Place::new();
    let said = said(&place, &["log", place.path("socket").to_str().unwrap()]);
    assert_said(&said, "done", &["send", "connect again", "send again"]);
    assert_said(&said, REFUSED, &["another socket"]);
}

pub fn a_network_grant_opens_its_port_and_nothing_else() {
    let place = Place::new();
    let [granted, other] = [0, 0].map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).unwrap());
    let port = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port().to_string();
    let said = said(&place, &["network", &port(&granted), &port(&other)]);
    assert_said(&said, "done", &["granted port"]);
    assert_said(&said, DENIED, &["other port"]);
    assert_said(&said, REFUSED, &["udp", "raw", "unix", "netlink", "vsock", "mptcp", "sctp", "fast open"]);
    let names =
        FORBIDDEN.iter().map(|(name, _)| *name).filter(|name| !["socket", "connect", "setsockopt"].contains(name));
    assert_said(&said, REFUSED, &names.collect::<Vec<_>>());
}
