//! System calls of a fixed conversation, counted by strace, request by request, and compared with a baseline that lies
//! beside this file: a change that makes a request dearer, or cheaper, has to say so there. `tests/e2e/syscalls/rewrite`
//! does. And how often a request wakes the server, which costs more than its calls.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;
use strongroom_tests::packet::{Attributes, Body, flag, kind};
use strongroom_tests::{Client, PATIENCE, Place, Program, Reply, strongroom, tools};

const BASELINE: &str = include_str!("syscalls/baseline.md");

/// Each part of the conversation does one thing so many times.
const TIMES: usize = 100;

/// So many requests, and their replies, are in one piece: both fit into a pipe, so no call is ever cut short.
const PIECE: usize = 50;

/// Calls that come with time or with growth and not with requests: epochs are counted, the heap grows.
const OTHERS: [&str; 5] = ["brk", "clock_gettime", "clock_nanosleep", "futex", "restart_syscall"];

/// With debug assertions the standard library looks at each descriptor that it closes by itself.
const ASSERTED: &[&str] = if cfg!(debug_assertions) { &["fcntl"] } else { &[] };

/// Name of a part to names of calls to how often they were made.
type Counts = BTreeMap<String, BTreeMap<String, usize>>;

#[test]
fn requests_make_the_system_calls_of_the_baseline() {
    let (found, baseline) = (count_all(), parse(BASELINE));
    let mut differences = String::new();
    for part in baseline.keys().chain(found.keys().filter(|part| !baseline.contains_key(*part))) {
        let calls = |counts: &Counts| counts.get(part).map(line);
        if !is_near(baseline.get(part), found.get(part)) {
            writeln!(differences, "{part}\n  baseline {:?}\n  found    {:?}", calls(&baseline), calls(&found)).unwrap();
        }
    }
    assert!(differences.is_empty(), "tests/e2e/syscalls/rewrite accepts what is meant:\n{differences}");
}

/// The kernel ends a sleep in recv(2) on a socket also when the client takes a reply, so each is taken when the server sleeps
/// again.
#[test]
fn a_request_on_a_socket_wakes_the_server_once() {
    const REQUESTS: u32 = 200;
    let place = Place::new();
    let mut raw = strongroom!(place, "jail", place.directory("jail")).spawn_on_socket();
    raw.initialise();
    raw.wait_until_asleep();
    let first = raw.sleeps();
    for _ in 0..REQUESTS {
        let before = raw.sleeps();
        raw.send(&Body::new().string("/").request(kind::STAT, 7));
        let end = Instant::now() + PATIENCE;
        while raw.sleeps() == before {
            assert!(Instant::now() < end, "the server does not sleep again");
        }
        raw.wait_until_asleep();
        raw.packet();
        raw.wait_until_asleep();
    }
    let slept = raw.sleeps() - first;
    // Pages that are read from the disk make it sleep, too.
    assert!(slept <= REQUESTS + REQUESTS / 10, "{slept} sleeps for {REQUESTS} requests");
}

#[test]
#[ignore = "prints a new baseline, for tests/e2e/syscalls/rewrite"]
fn print_a_baseline() {
    for (part, calls) in count_all() {
        println!("| {part} | {} |", line(&calls));
    }
}

/// A call or two more or less may come of how client and server happen to take turns.
fn is_near(baseline: Option<&BTreeMap<String, usize>>, found: Option<&BTreeMap<String, usize>>) -> bool {
    let (Some(baseline), Some(found)) = (baseline, found) else { return false };
    let of = |calls: &BTreeMap<String, usize>, name| calls.get(name).copied().unwrap_or(0);
    baseline.keys().chain(found.keys()).all(|name| of(baseline, name).abs_diff(of(found, name)) <= 2)
}

fn line(calls: &BTreeMap<String, usize>) -> String {
    calls.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

fn parse(table: &str) -> Counts {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let rows = rows.filter(|(part, _)| part.contains(": "));
    let calls = |text: &str| {
        let each = text.split(", ").filter_map(|call| call.split_once(' '));
        each.map(|(name, count)| (name.to_owned(), count.parse().unwrap())).collect()
    };
    rows.map(|(part, text)| (part.to_owned(), calls(text))).collect()
}

/// Without the confinement, under which a tracer cannot read the strings that mark the parts.
fn count_all() -> Counts {
    let mut all = Counts::new();
    let place = Place::new();
    count(&mut all, &place, "jail", &strongroom!(place, "jail", "--no-os-sandbox", place.directory("jail")));
    let place = Place::new();
    let server = strongroom!(place, "jail", "--no-os-sandbox", "--set", "native=no", place.directory("jail"));
    count(&mut all, &place, "jail, native=no", &server);
    let place = Place::new();
    count(&mut all, &place, "memory", &strongroom!(place, "memory", "--no-os-sandbox"));
    all
}

/// Has the conversation with a server and adds what it did.
fn count(all: &mut Counts, place: &Place, name: &str, server: &Program) {
    let trace = place.path("trace");
    let strace = tools::tool(place, "strace").args(["-f", "-qq", "-s", "96", "-e", "signal=none", "-o"]).arg(&trace);
    let mut client = strace.args(["/bin/sh", "-c", &format!("exec {}", server.line())]).connect();
    converse(&mut client);
    assert!(client.finish().0.success());
    for (part, calls) in parts(&trace) {
        all.insert(format!("{name}: {part}"), calls);
    }
}

fn converse(client: &mut Client) {
    client.mkdir("/directory", None).unwrap();
    for index in 0..TIMES {
        client.put(format!("/directory/{index}"), b"x").unwrap();
    }
    client.put("/file", &vec![b'x'; 64 << 10]).unwrap();
    one_by_one(client);
    open_files(client);
    in_one_piece(client);
}

fn one_by_one(client: &mut Client) {
    part(client, "REALPATH", |client, _| client.realpath("/directory").map(drop).unwrap());
    part(client, "STAT", |client, _| client.stat("/file").map(drop).unwrap());
    part(client, "LSTAT of nothing", |client, _| drop(client.lstat("/directory/none").unwrap_err()));
    part(client, "SETSTAT of permissions and times", |client, _| {
        let changes = Attributes { permissions: Some(0o640), ..Attributes::times(1_000_000_000, 1_000_000_000) };
        client.setstat("/file", &changes).unwrap();
    });
    part(client, "OPEN, CLOSE", |client, _| {
        let handle = client.open("/file", flag::READ, None).unwrap();
        client.close(&handle).unwrap();
    });
    part(client, "OPEN that creates, WRITE, CLOSE", |client, index| {
        client.put(format!("/new-{index}"), b"x").unwrap();
    });
    part(client, "RENAME", |client, index| client.rename(format!("/new-{index}"), format!("/old-{index}")).unwrap());
    part(client, "REMOVE", |client, index| client.remove(format!("/old-{index}")).unwrap());
    part(client, "MKDIR, RMDIR", |client, _| {
        client.mkdir("/made", None).unwrap();
        client.rmdir("/made").unwrap();
    });
    part(client, "SYMLINK, READLINK, REMOVE", |client, _| {
        client.symlink("file", "/link").unwrap();
        client.readlink("/link").unwrap();
        client.remove("/link").unwrap();
    });
    part(client, "OPENDIR, READDIR of 100 entries to the end, CLOSE", |client, _| {
        assert_eq!(client.list("/directory").unwrap().len(), TIMES);
    });
}

fn open_files(client: &mut Client) {
    let handle = client.open("/file", flag::READ | flag::WRITE, None).unwrap();
    part(client, "READ of 4 KiB", |client, _| assert_eq!(client.read(&handle, 0, 4096).unwrap().len(), 4096));
    part(client, "WRITE of 1 KiB", |client, _| client.write(&handle, 0, &[b'y'; 1024]).unwrap());
    let copy = client.open("/copy", flag::WRITE | flag::CREAT, None).unwrap();
    part(client, "copy-data of 4 KiB", |client, _| {
        let body = Body::new().string(&handle).u64(0).u64(4096).string(&copy).u64(0);
        let Reply::Status(status) = client.extended("copy-data", body) else { panic!("no status") };
        assert_eq!(status.code, 0);
    });
    part(client, "FSTAT", |client, _| client.fstat(&handle).map(drop).unwrap());
    client.close(&handle).unwrap();
}

fn in_one_piece(client: &mut Client) {
    let handle = client.open("/file", flag::READ | flag::WRITE, None).unwrap();
    pieces(client, "READ of 512 bytes", kind::READ, &Body::new().string(&handle).u64(0).u32(512));
    pieces(client, "WRITE of 8 bytes", kind::WRITE, &Body::new().string(&handle).u64(0).string(b"8 bytes."));
    client.close(&handle).unwrap();
    pieces(client, "STAT", kind::STAT, &Body::new().string("/file"));
}

/// One part of the conversation, between two marks that the trace shows: reads of handles that do not exist, which
/// cost the receiving and the answering and no more.
fn part(client: &mut Client, name: &str, mut once: impl FnMut(&mut Client, usize)) {
    mark(client, name);
    for index in 0..TIMES {
        once(client, index);
    }
    mark(client, "");
}

fn pieces(client: &mut Client, name: &str, request: u8, body: &Body) {
    mark(client, &format!("{name}, {PIECE} in one piece"));
    for _ in 0..TIMES / PIECE {
        // Ids that the client itself does not come to.
        let ids = 1 << 20..(1 << 20) + PIECE as u32;
        client.send_bytes(ids.clone().flat_map(|id| body.clone().request(request, id)).collect());
        for id in ids {
            assert!(!matches!(client.receive(id), Reply::Status(status) if status.code != 0));
        }
    }
    mark(client, "");
}

fn mark(client: &mut Client, name: &str) {
    client.read(format!("mark<{name}>").as_bytes(), 0, 1).unwrap_err();
}

/// The calls of each part: a mark is seen where the server receives it.
fn parts(trace: &Path) -> Counts {
    let mut counts = Counts::new();
    let mut current = String::new();
    for line in fs::read_to_string(trace).unwrap().lines() {
        if let Some((_, rest)) = line.split_once("mark<") {
            current = rest.split_once('>').unwrap().0.to_owned();
        }
        let is_counted = |call: &&str| !current.is_empty() && !OTHERS.contains(call) && !ASSERTED.contains(call);
        let Some(call) = call(line).filter(is_counted) else { continue };
        *counts.entry(current.clone()).or_default().entry(call.to_owned()).or_default() += 1;
    }
    counts
}

/// The name of the call that a line of strace begins with, after the number of the thread.
fn call(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(' ')?.1.trim_start().split_once('(')?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).then_some(name)
}
