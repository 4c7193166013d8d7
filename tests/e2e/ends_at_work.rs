//! Ends that come while something else is going on: a guest at work, replies that nobody takes, files that close. Each
//! session ends within its limits and says how by its status; a server that spins or sleeps for ever hangs the test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Body, code, flag, kind};
use strongroom_tests::{Client, Place, Program, guest, strongroom};

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

/// A server whose pipes are in the test's own hands.
struct Raw {
    child: Child,
    input: ChildStdin,
    output: Option<ChildStdout>,
}

impl Raw {
    fn start(arguments: &[&str], directory: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .args(arguments)
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = child.stdout.take();
        input.write_all(&Body::new().u32(3).packet(kind::INIT)).unwrap();
        packet(output.as_mut().unwrap());
        Self { child, input, output }
    }

    fn request(&mut self, kind: u8, body: Body) -> Vec<u8> {
        self.input.write_all(&body.request(kind, 7)).unwrap();
        packet(self.output.as_mut().unwrap())
    }

    /// Asks for far more than a pipe and the server's own limit hold, and takes nothing of it.
    fn ask_for_too_much(&mut self) {
        let reply = self.request(kind::OPEN, Body::new().string("/large").u32(flag::READ).u32(0));
        let handle = reply[9..].to_vec();
        for _ in 0..100 {
            let read = Body::new().string(&handle).u64(0).u32(200_000).request(kind::READ, 8);
            self.input.write_all(&read).unwrap();
        }
        thread::sleep(Duration::from_millis(300));
    }

    fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    fn wait(mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > end {
                self.child.kill().unwrap();
                panic!("it did not end");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn packet(output: &mut ChildStdout) -> Vec<u8> {
    let mut length = [0; 4];
    output.read_exact(&mut length).unwrap();
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    output.read_exact(&mut body).unwrap();
    body
}

fn large(place: &Place) -> std::path::PathBuf {
    let directory = place.directory("jail");
    fs::write(directory.join("large"), vec![1; 1 << 20]).unwrap();
    directory
}

#[test]
fn sigterm_while_replies_are_not_taken() {
    let place = Place::new();
    let mut raw = Raw::start(&["jail", "--end-timeout", "1s"], &large(&place));
    raw.ask_for_too_much();
    kill_process(Pid::from_child(&raw.child), Signal::TERM).unwrap();
    assert_eq!(raw.wait().code(), Some(1));
}

#[test]
fn a_client_that_takes_no_more_replies_costs_nothing_while_it_is_silent() {
    let place = Place::new();
    let mut raw = Raw::start(&["jail"], &large(&place));
    raw.output = None;
    let before = raw.processor_time();
    thread::sleep(Duration::from_secs(1));
    let used = raw.processor_time() - before;
    assert!(used < Duration::from_millis(300), "{used:?} of the processor in a second of silence");
    // The next reply finds out that nobody is there.
    raw.input.write_all(&Body::new().string("/").request(kind::STAT, 9)).unwrap();
    assert_eq!(raw.wait().code(), Some(1));
}
