//! Clients that take more than their share: that never read, send a byte at a time, keep thousands of requests in flight, open
//! all that can be opened, send lengths without end or no SFTP at all. The server's memory stays within its limits, it slows
//! the client down or ends the session, and it is there for whoever behaves. In memory, the files themselves come on top.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Body, code, flag, kind};
use strongroom_tests::process::peak_memory;
use strongroom_tests::tree::Noise;
use strongroom_tests::{Client, Place, Program, Reply, Status, guest, strongroom};

const MIB: u64 = 1 << 20;

/// What a client may make the server hold beyond what an idle session has: --max-in-flight (16 MiB), --max-output (4 MiB),
/// a packet, a reply, and what the allocator has lying about.
const MAX_GROWTH: u64 = 28 * MIB;

type Server = fn(&Place) -> Program;

/// By what its figures are told from the other's.
const SERVERS: [(&str, Server); 2] = [("jail", jail), ("memory", memory)];

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail"), "-l", place.path("log"))
}

fn memory(place: &Place) -> Program {
    strongroom!(place, "memory", "-l", place.path("log"))
}

/// Prints what a session grew by since `before`, and holds it to `bound`.
#[track_caller]
fn assert_growth(what: &str, before: u64, after: u64, bound: u64) {
    let growth = after.saturating_sub(before);
    println!(
        "noted: greedy, {what}: {:.1} MiB more than the {:.1} MiB of an idle session, bound {} MiB",
        growth as f64 / MIB as f64,
        before as f64 / MIB as f64,
        bound / MIB
    );
    assert!(growth <= bound, "{what}: {growth} bytes of growth");
}

/// A session that has answered once, and its memory then.
fn settled(program: &Program) -> (Client, u64) {
    let mut client = program.connect();
    client.stat("/").unwrap();
    let memory = peak_memory(client.process().id());
    (client, memory)
}

#[test]
fn a_client_that_never_reads_is_not_listened_to_and_gets_everything_once_it_reads() {
    for (storage, server) in SERVERS {
        read_nothing(storage, server);
    }
}

fn read_nothing(storage: &str, server: Server) {
    let place = Place::new();
    let mut raw = server(&place).spawn_raw();
    let handle = raw.open("/large", flag::READ | flag::WRITE | flag::CREAT);
    raw.request(kind::WRITE, Body::new().string(&handle).u64(0).string([1; 100_000]));
    let before = raw.peak_memory();
    let requests: usize = 20_000;
    let (sent, writer) = {
        let sent = Arc::new(AtomicUsize::new(0));
        let mut input = raw.input.take().unwrap();
        let counter = Arc::clone(&sent);
        let writer = thread::spawn(move || {
            for id in 0..requests {
                let read = Body::new().string(&handle).u64(0).u32(100_000).request(kind::READ, id as u32);
                input.write_all(&read).unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        (sent, writer)
    };
    let mut seen = 0;
    loop {
        thread::sleep(Duration::from_secs(1));
        let now = sent.load(Ordering::SeqCst);
        if now == seen {
            break;
        }
        seen = now;
    }
    assert!(seen < requests, "all {requests} requests were taken from a client that reads nothing");
    assert_growth(
        &format!("{storage}: replies to 2 GB of reads that nobody takes"),
        before,
        raw.peak_memory(),
        MAX_GROWTH,
    );
    let idle = raw.processor_time();
    thread::sleep(Duration::from_secs(1));
    assert!(raw.processor_time() - idle < Duration::from_millis(300), "it spins while it waits for the client");
    // Slowed down, not thrown out: who reads is answered, each request once.
    let mut answered = vec![false; requests];
    for _ in 0..requests {
        let reply = raw.packet();
        assert_eq!((reply[0], reply.len()), (kind::DATA, 9 + 100_000));
        let id = u32::from_be_bytes(reply[1..5].try_into().unwrap()) as usize;
        assert!(!std::mem::replace(&mut answered[id], true), "request {id} was answered twice");
    }
    writer.join().unwrap();
    assert_growth(&format!("{storage}: the same once they are taken"), before, raw.peak_memory(), MAX_GROWTH);
    assert!(raw.wait().success());
}

#[test]
fn a_packet_that_comes_a_byte_at_a_time_costs_what_one_packet_costs() {
    for (storage, server) in SERVERS {
        let place = Place::new();
        let mut raw = server(&place).spawn_raw();
        let handle = raw.open("/file", flag::READ | flag::WRITE | flag::CREAT);
        let before = raw.peak_memory();
        let contents = Noise::new(1).bytes(100_000);
        for byte in Body::new().string(&handle).u64(0).string(&contents).request(kind::WRITE, 1) {
            raw.send(&[byte]);
        }
        assert_eq!(raw.packet()[..9], [kind::STATUS, 0, 0, 0, 1, 0, 0, 0, 0]);
        let read = raw.request(kind::READ, Body::new().string(&handle).u64(0).u32(200_000));
        assert!(read[9..] == contents, "{storage}");
        assert_growth(&format!("{storage}: a packet a byte at a time"), before, raw.peak_memory(), 2 * MIB);
    }
}

/// Keeps `in_flight` requests unanswered until `total` were sent; each is answered once.
fn keep_in_flight(client: &mut Client, in_flight: u32, total: u32, request: impl Fn(u32) -> (u8, Body)) {
    let mut ids = (0..total).map(|index| {
        let (kind, body) = request(index);
        (kind, body)
    });
    let mut waiting = std::collections::VecDeque::new();
    loop {
        while waiting.len() < in_flight as usize
            && let Some((kind, body)) = ids.next()
        {
            waiting.push_back(client.send(kind, body));
        }
        let Some(id) = waiting.pop_front() else { return };
        let reply = client.receive(id);
        assert!(!matches!(reply, Reply::Status(Status { code: 3.., .. })), "{reply:?}");
    }
}

#[test]
fn ten_thousand_requests_in_flight_are_answered_within_the_limits() {
    for (storage, server) in SERVERS {
        let place = Place::new();
        let (mut client, before) = settled(&server(&place));
        client.put("/file", &[1; 64 << 10]).unwrap();
        let handle = client.open("/file", flag::READ | flag::WRITE, None).unwrap();
        keep_in_flight(&mut client, 10_000, 40_000, |index| match index % 4 {
            0 => (kind::STAT, Body::new().string("/file")),
            1 => (kind::READ, Body::new().string(&handle).u64(0).u32(32 << 10)),
            2 => (kind::WRITE, Body::new().string(&handle).u64(0).string([2; 8 << 10])),
            _ => (kind::REALPATH, Body::new().string("/a/b/../c")),
        });
        let after = peak_memory(client.process().id());
        assert_growth(&format!("{storage}: 10,000 requests in flight"), before, after, MAX_GROWTH);
        assert!(client.finish().0.success());
    }
}

#[test]
fn ten_thousand_requests_to_a_guest_that_waits_are_answered_within_the_limits() {
    let place = Place::new();
    let slow = strongroom!(place, "run", guest("slow"), "--set", "delay-ms=20", "--cache-dir", place.cache());
    // Compiled beforehand, or the compiler's memory is all there is to see.
    slow.connect().finish();
    let (mut client, before) = settled(&slow);
    let handle = client.open("/hello", flag::READ, None).unwrap();
    keep_in_flight(&mut client, 10_000, 15_000, |_| (kind::READ, Body::new().string(&handle).u64(0).u32(200_000)));
    assert_growth("10,000 reads that a guest waits for", before, peak_memory(client.process().id()), MAX_GROWTH);
    assert!(client.finish().0.success());
}

#[test]
fn writes_that_wait_for_a_guest_are_held_within_the_limits() {
    let place = Place::new();
    let stuck = strongroom!(place, "run", guest("faulty"), "--cache-dir", place.cache()).args([
        "--set",
        "fault=sleep@write",
        "--call-timeout",
        "3s",
    ]);
    stuck.connect().finish();
    let (mut client, before) = settled(&stuck);
    let handle = client.open("/scratch", flag::READ | flag::WRITE, None).unwrap();
    // The first is never done, and the others wait for it: 400 MB.
    let write = Body::new().string(&handle).u64(0).string(vec![1; 200_000]);
    let writes: Vec<u32> = (0..2000).map(|_| client.send(kind::WRITE, write.clone())).collect();
    for id in writes {
        assert!(matches!(client.receive(id), Reply::Status(Status { code: code::FAILURE, .. })));
    }
    let after = peak_memory(client.process().id());
    assert!(after - before > 12 * MIB, "nothing waited");
    assert_growth("400 MB of writes that a guest does not do", before, after, MAX_GROWTH);
    assert!(client.finish().0.success());
}

/// Opens files and directories until one is refused, and goes on asking. Gives how many there were.
fn open_all(client: &mut Client, attempts: usize) -> Vec<Vec<u8>> {
    let mut handles = Vec::new();
    for index in 0..attempts {
        let opened = match index % 2 {
            0 => client.open(format!("/file-{index}"), flag::READ | flag::WRITE | flag::CREAT, None),
            _ => client.opendir("/"),
        };
        match opened {
            Ok(handle) => handles.push(handle),
            Err(status) => assert_eq!(status.code, code::FAILURE, "{}", status.message),
        }
    }
    handles
}

#[test]
fn handles_are_opened_to_the_limit_and_not_beyond() {
    for (storage, server) in SERVERS {
        let place = Place::new();
        let (mut client, before) = settled(&server(&place));
        let handles = open_all(&mut client, 3000);
        assert_eq!(handles.len(), 1000, "the default of --max-handles");
        let after = peak_memory(client.process().id());
        assert_growth(&format!("{storage}: 1,000 handles and 2,000 attempts more"), before, after, 16 * MIB);
        client.close(&handles[0]).unwrap();
        client.opendir("/").unwrap();
        assert!(client.finish().0.success());
    }
}

#[test]
fn descriptors_that_run_out_are_a_failure_and_the_session_goes_on() {
    let place = Place::new();
    let limited = Program::new(&place, "/bin/sh").args([
        "-c",
        r#"ulimit -n 100 && exec "$0" jail "$1""#,
        env!("CARGO_BIN_EXE_strongroom"),
        place.directory("jail").to_str().unwrap(),
    ]);
    let mut client = limited.connect();
    let handles = open_all(&mut client, 300);
    assert!((10..100).contains(&handles.len()), "{} handles of 100 descriptors", handles.len());
    assert_eq!(refused(client.get("/file-0")), code::FAILURE);
    for handle in &handles {
        client.close(handle).unwrap();
    }
    client.put("/new", b"new").unwrap();
    assert_eq!(client.get("/new").unwrap(), b"new");
    assert!(client.finish().0.success());
}

/// Sends bytes to a session that has answered once; gives its memory before and after, the status and the log.
fn after_bytes(server: Server, bytes: impl IntoIterator<Item = Vec<u8>>) -> (u64, u64, Option<i32>, String) {
    let place = Place::new();
    let mut raw = server(&place).spawn_raw();
    raw.request(kind::STAT, Body::new().string("/"));
    let before = raw.peak_memory();
    let mut after = before;
    let mut input = raw.input.take().unwrap();
    let mut output = raw.output.take().unwrap();
    // Replies are taken, so that it is not they who stop it.
    let reader = thread::spawn(move || output.read_to_end(&mut Vec::new()));
    for chunk in bytes {
        let Some(memory) = raw.peak_memory_unless_ended() else { break };
        after = after.max(memory);
        if input.write_all(&chunk).is_err() {
            break;
        }
    }
    drop(input);
    let status = raw.wait();
    reader.join().unwrap().unwrap();
    (before, after, status.code(), fs::read_to_string(place.path("log")).unwrap())
}

#[test]
fn a_giant_length_ends_the_session_before_anything_is_held_for_it() {
    for (storage, server) in SERVERS {
        let mut most = (0, 0);
        for length in [u32::MAX, 0x7fff_ffff, 1 << 30, 262_145] {
            let header = [length.to_be_bytes().as_slice(), &[kind::WRITE]].concat();
            // Then as much as it takes.
            let chunks = std::iter::once(header).chain(std::iter::repeat_n(vec![0; 64 << 10], 2000));
            let (before, after, status, log) = after_bytes(server, chunks);
            assert_eq!(status, Some(1), "{length}");
            assert!(log.contains("the connection is closed"), "{length}: {log}");
            most = most.max((after - before, before));
        }
        assert_growth(&format!("{storage}: packets of up to 4 GiB"), most.1, most.0 + most.1, 2 * MIB);
    }
}

#[test]
fn garbage_without_end_ends_the_session() {
    for (storage, server) in SERVERS {
        let mut noise = Noise::new(7);
        let (before, after, status, log) = after_bytes(server, (0..4000).map(move |_| noise.bytes(64 << 10)));
        assert_eq!(status, Some(1));
        assert!(log.contains("the connection is closed"), "{log}");
        assert_growth(&format!("{storage}: garbage"), before, after, 2 * MIB);
    }
}

#[test]
fn well_framed_garbage_is_answered_packet_by_packet() {
    for (storage, server) in SERVERS {
        let place = Place::new();
        let (mut client, before) = settled(&server(&place));
        let mut noise = Noise::new(8);
        for _ in 0..20_000 {
            let random = noise.bytes(64);
            // Every type but INIT, of which there may be one.
            let kind = random[0].max(kind::INIT + 1);
            let body = Body::new().raw(&random[1..1 + usize::from(random[63] % 62)]);
            client.request(kind, body);
        }
        client.stat("/").unwrap();
        let after = peak_memory(client.process().id());
        assert_growth(&format!("{storage}: 20,000 packets of garbage"), before, after, 4 * MIB);
        assert!(client.finish().0.success());
    }
}

#[test]
fn paths_and_targets_of_any_length_are_answered() {
    for (storage, server) in SERVERS {
        ask_for_long_paths(storage, server);
    }
}

fn ask_for_long_paths(storage: &str, server: Server) {
    let place = Place::new();
    let (mut client, before) = settled(&server(&place));
    for length in [256, 4095, 4096, 4097, 65_536, 250_000] {
        for path in ["x".repeat(length), "a/".repeat(length / 2), "../".repeat(length / 3)] {
            for kind in [kind::STAT, kind::LSTAT, kind::OPENDIR, kind::REMOVE, kind::READLINK, kind::RMDIR] {
                assert!(matches!(
                    client.request(kind, Body::new().string(&path)),
                    Reply::Status(_) | Reply::Attributes(_) | Reply::Handle(_)
                ));
            }
            let half = &path[..path.len() / 2];
            let _ = client.rename(half, half);
            let _ = client.symlink(half, half);
            let _ = client.realpath(&path);
        }
    }
    // A length that says more than the packet holds.
    for length in [u32::MAX, 1 << 31, 300_000, 5] {
        let reply = client.request(kind::STAT, Body::new().u32(length).raw("/"));
        assert!(matches!(reply, Reply::Status(Status { code: code::BAD_MESSAGE, .. })), "{length}: {reply:?}");
    }
    client.stat("/").unwrap();
    let after = peak_memory(client.process().id());
    assert_growth(&format!("{storage}: paths of up to 250,000 bytes"), before, after, 4 * MIB);
    assert!(client.finish().0.success());
}

#[test]
fn half_a_packet_at_the_end_changes_nothing_and_what_was_whole_is_done() {
    for (kept, (storage, server)) in [1, 4, 5, 9, 20, 30].into_iter().flat_map(|kept| SERVERS.map(|each| (kept, each)))
    {
        let place = Place::new();
        let mut client = server(&place).connect();
        let handle = client.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
        client.send(kind::WRITE, Body::new().string(&handle).u64(0).string("whole"));
        let half = Body::new().string(&handle).u64(0).string("half!").request(kind::WRITE, 99);
        client.send_bytes(half[..kept].to_vec());
        let (status, _) = client.finish();
        if storage == "jail" {
            assert_eq!(fs::read_to_string(place.path("jail/file")).unwrap(), "whole", "{kept} bytes");
        }
        let log = fs::read_to_string(place.path("log")).unwrap();
        assert!(log.contains("close \"/file\" bytes read 0 written 5"), "{storage}, {kept} bytes, {status}: {log}");
        assert!(log.contains("session closed"), "{storage}, {kept} bytes: {log}");
    }
}
