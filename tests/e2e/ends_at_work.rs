//! Ends that come while something else is going on: a guest at work, replies that nobody takes, files that close. Each
//! session ends within its limits and says how by its status; a server that spins or sleeps for ever hangs the test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rustix::process::Signal;
use std::fs;
use std::thread;
use std::time::Duration;
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Body, code, flag, kind};
use strongroom_tests::{Client, Place, Program, Raw, guest, strongroom};

fn slow(place: &Place) -> Program {
    strongroom!(place, "run", guest("slow"), "--cache-dir", place.cache(), "--set", "delay-ms=1500")
}

fn faulty(place: &Place, fault: &str) -> Program {
    strongroom!(place, "run", guest("faulty"), "--cache-dir", place.cache(), "-l", place.path("log")).args([
        "--set",
        &format!("fault={fault}"),
        "--close-timeout",
        "1s",
        "--end-timeout",
        "20s",
    ])
}

/// A read that the guest takes its time for is on its way.
fn start_slow_read(client: &mut Client) {
    let handle = client.open("/hello", flag::READ, None).unwrap();
    client.send(kind::READ, Body::new().string(&handle).u64(0).u32(100));
    thread::sleep(Duration::from_millis(300));
}

#[test]
fn sigterm_during_a_slow_read() {
    let place = Place::new();
    let mut client = slow(&place).connect();
    start_slow_read(&mut client);
    assert_eq!(client.terminate().0.code(), Some(1));
}

#[test]
fn end_of_input_during_a_slow_read() {
    let place = Place::new();
    let mut client = slow(&place).connect();
    start_slow_read(&mut client);
    assert_eq!(client.finish().0.code(), Some(0));
}

#[test]
fn sigterm_while_the_guest_connects() {
    let place = Place::new();
    let client = faulty(&place, "sleep@connect").args(["--call-timeout", "10m"]).unconnected();
    thread::sleep(Duration::from_millis(500));
    assert!(!client.terminate().0.success());
}

#[test]
fn a_file_that_does_not_close_is_given_up_and_told() {
    let place = Place::new();
    let mut client = faulty(&place, "sleep@close-file").connect();
    client.open("/hello", flag::READ, None).unwrap();
    assert_eq!(client.finish().0.code(), Some(1));
    assert!(fs::read_to_string(place.path("log")).unwrap().contains("--close-timeout"));
}

#[test]
fn a_trap_at_the_last_close_is_no_success() {
    let place = Place::new();
    let mut client = faulty(&place, "trap@close-file").connect();
    client.open("/hello", flag::READ, None).unwrap();
    assert_eq!(client.finish().0.code(), Some(1));
    assert!(fs::read_to_string(place.path("log")).unwrap().contains("session closed"));
}

#[test]
fn the_last_fault_that_a_session_may_have_is_answered_before_the_end() {
    let place = Place::new();
    let mut client = faulty(&place, "trap@read").args(["--max-restarts", "0"]).connect();
    let handle = client.open("/hello", flag::READ, None).unwrap();
    assert_eq!(refused(client.read(&handle, 0, 100)), code::FAILURE);
    assert_eq!(client.finish().0.code(), Some(1));
}

#[test]
fn a_guest_that_blocks_in_a_destructor_is_replaced() {
    let place = Place::new();
    let mut client = faulty(&place, "block@drop-file").args(["--call-timeout", "1s"]).connect();
    for _ in 0..200 {
        let handle = client.open("/hello", flag::READ, None).unwrap();
        // A close that is out when the guest is replaced is answered by a failure.
        let _ = client.close(&handle);
    }
    client.realpath("/").unwrap();
    assert!(fs::read_to_string(place.path("log")).unwrap().contains("`drop`"));
    client.finish();
}

#[test]
fn what_is_closed_by_drop_is_not_closed_by_a_call() {
    let place = Place::new();
    let mut client = faulty(&place, "sleep@close-file")
        .args(["--set", "fault=sleep@close-directory", "--set", "fault=closed-by-drop"])
        .connect();
    let file = client.open("/hello", flag::READ, None).unwrap();
    client.close(&file).unwrap();
    let directory = client.opendir("/").unwrap();
    client.close(&directory).unwrap();
    client.open("/hello", flag::READ, None).unwrap();
    assert_eq!(client.finish().0.code(), Some(0));
}

#[test]
fn what_is_closed_by_drop_is_dropped_before_the_session_ends() {
    let place = Place::new();
    let mut client = faulty(&place, "trap@drop-file").args(["--set", "fault=closed-by-drop"]).connect();
    client.open("/hello", flag::READ, None).unwrap();
    assert_eq!(client.finish().0.code(), Some(1));
}

#[test]
fn a_close_by_drop_that_traps_is_answered_by_a_failure() {
    let place = Place::new();
    let mut client = faulty(&place, "trap@drop-file").args(["--set", "fault=closed-by-drop"]).connect();
    let handle = client.open("/hello", flag::READ, None).unwrap();
    assert_eq!(refused(client.close(&handle)), code::FAILURE);
    assert_eq!(refused(client.get("/hello")), code::FAILURE);
    client.realpath("/").unwrap();
    assert_eq!(client.finish().0.code(), Some(0));
}

/// Asks for far more than a pipe and the server's own limit hold, and takes nothing of it.
fn ask_for_too_much(raw: &mut Raw) {
    let handle = raw.open("/large", flag::READ);
    for _ in 0..100 {
        raw.send(&Body::new().string(&handle).u64(0).u32(200_000).request(kind::READ, 8));
    }
    thread::sleep(Duration::from_millis(300));
}

fn large(place: &Place) -> std::path::PathBuf {
    let directory = place.directory("jail");
    fs::write(directory.join("large"), vec![1; 1 << 20]).unwrap();
    directory
}

#[test]
fn sigterm_while_replies_are_not_taken() {
    let place = Place::new();
    let mut raw = strongroom!(place, "jail", "--end-timeout", "1s", large(&place)).spawn_raw();
    ask_for_too_much(&mut raw);
    raw.signal(Signal::TERM);
    assert_eq!(raw.wait().code(), Some(1));
}

#[test]
fn sigterm_on_a_socket_while_replies_are_not_taken() {
    let place = Place::new();
    let mut raw = strongroom!(place, "jail", "--end-timeout", "1s", large(&place)).spawn_on_socket();
    raw.initialise();
    ask_for_too_much(&mut raw);
    raw.signal(Signal::TERM);
    assert_eq!(raw.wait().code(), Some(1));
}

#[test]
fn sigterm_on_a_socket_while_nothing_is_asked() {
    let place = Place::new();
    let jail = place.directory("jail");
    let mut raw = strongroom!(place, "jail", &jail).spawn_on_socket();
    raw.initialise();
    let handle = raw.open("/file", flag::WRITE | flag::CREAT);
    raw.request(kind::WRITE, Body::new().string(handle).u64(0).string(b"acknowledged"));
    raw.wait_until_asleep();
    raw.signal(Signal::TERM);
    assert_eq!(raw.wait().code(), Some(1));
    assert_eq!(fs::read(jail.join("file")).unwrap(), b"acknowledged");
}

/// Its kind is enough to know that the session cannot begin.
#[test]
fn a_first_packet_that_is_not_init_ends_the_session_before_it_is_whole() {
    let place = Place::new();
    let log = place.path("log");
    let program = strongroom!(place, "jail", "--login-timeout", "10m", "-l", &log, place.directory("jail"));
    let mut raw = program.spawn_on_socket();
    raw.send(&[0, 0, 1, 0, kind::STAT]);
    assert!(!raw.wait().success());
    assert!(fs::read_to_string(log).unwrap().contains("INIT"));
}

#[test]
fn a_client_that_takes_no_more_replies_costs_nothing_while_it_is_silent() {
    let place = Place::new();
    let mut raw = strongroom!(place, "jail", large(&place)).spawn_raw();
    raw.output = None;
    let before = raw.processor_time();
    thread::sleep(Duration::from_secs(1));
    let used = raw.processor_time() - before;
    assert!(used < Duration::from_millis(300), "{used:?} of the processor in a second of silence");
    // The next reply finds out that nobody is there.
    raw.send(&Body::new().string("/").request(kind::STAT, 9));
    assert_eq!(raw.wait().code(), Some(1));
}
