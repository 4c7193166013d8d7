//! Time and memory grow in step with the work and not beyond: large listings, large files, many handles, idle sessions,
//! and a storage that waits. Memory and CPU time are what the kernel counts for the server; no clock is asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs::{self, File};
use strongroom_tests::packet::{Body, code, flag, kind};
use strongroom_tests::{Client, Place, Program, Reply, guest, strongroom};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// How far peaks of memory may lie apart that are meant to be the same.
const SLACK_KIB: u64 = 2048;

fn jail(place: &Place) -> Program {
    strongroom!(place, "jail", place.directory("jail"))
}

/// A figure in KiB of a file below /proc.
fn kib(client: &mut Client, file: &str, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/{file}", client.process().id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap().trim().trim_end_matches("kB").trim().parse().unwrap()
}

/// The most that was ever resident.
fn peak_kib(client: &mut Client) -> u64 {
    kib(client, "status", "VmHWM")
}

#[track_caller]
fn assert_no_growth(small_kib: u64, large_kib: u64) {
    println!("peaks of {small_kib} and {large_kib} KiB");
    assert!(large_kib <= small_kib + SLACK_KIB, "a peak of {large_kib} KiB, where {small_kib} KiB did for less");
}

/// Lists the root and gives how many there were beside "." and "..", and the peak of memory.
fn list(server: &Program) -> (usize, u64) {
    let mut client = server.connect();
    let handle = client.opendir("/").unwrap();
    let (mut count, mut batches) = (0, 0);
    let end = loop {
        match client.readdir(&handle) {
            Ok(batch) => {
                count += batch.len();
                batches += 1;
            }
            Err(status) => break status.code,
        }
    };
    assert_eq!(end, code::EOF);
    assert!(batches * 1000 >= count, "{count} entries in {batches} replies");
    (count - 2, peak_kib(&mut client))
}

#[test]
fn a_directory_of_a_million_is_listed_in_the_memory_of_ten_thousand() {
    let place = Place::new();
    let vast = |entries: usize| {
        let (count, peak_kib) = list(
            &strongroom!(place, "run", guest("vast"), "--cache-dir", place.cache())
                .args(["--set", &format!("entries={entries}")]),
        );
        assert_eq!(count, entries);
        peak_kib
    };
    // Compiles the guest, which takes memory of its own.
    vast(1);
    assert_no_growth(vast(10_000), vast(1_000_000));
}

#[test]
fn a_jail_of_two_hundred_thousand_is_listed_in_the_memory_of_two_thousand() {
    let listed = |entries: usize| {
        let place = Place::new();
        let server = jail(&place);
        for index in 0..entries {
            File::create(place.path(format!("jail/{index}"))).unwrap();
        }
        let (count, peak_kib) = list(&server);
        assert_eq!(count, entries);
        peak_kib
    };
    assert_no_growth(listed(2_000), listed(200_000));
}

/// Reads a whole file with many requests in flight, throws away what comes, and gives the peak of memory. `size` is a
/// multiple of `LENGTH`.
fn get(client: &mut Client, path: &str, size: u64) -> u64 {
    const LENGTH: u32 = 128 << 10;
    const IN_FLIGHT: u64 = 64;
    // Length, type, id, length of the data.
    const REPLY_BYTES: u64 = 4 + 1 + 4 + 4 + LENGTH as u64;
    let handle = client.open(path, flag::READ, None).unwrap();
    let requests = size / u64::from(LENGTH);
    let (mut sent, mut received_bytes) = (0, 0);
    while received_bytes < requests * REPLY_BYTES {
        while sent < requests && sent < received_bytes / REPLY_BYTES + IN_FLIGHT {
            client.send(kind::READ, Body::new().string(&handle).u64(sent * u64::from(LENGTH)).u32(LENGTH));
            sent += 1;
        }
        received_bytes += client.process().receive().expect("the server goes on").len() as u64;
    }
    assert_eq!(received_bytes, requests * REPLY_BYTES, "each reply is whole");
    assert_eq!(client.read(&handle, size, 1).unwrap_err().code, code::EOF);
    peak_kib(client)
}

/// In memory if there is room for files in memory, because holes in a file on a disk are read by way of the page cache.
fn sparse(sizes: [u64; 2]) -> tempfile::TempDir {
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    for size in sizes {
        File::create(directory.path().join(size.to_string())).unwrap().set_len(size).unwrap();
    }
    directory
}

#[test]
fn a_file_of_16_gib_is_read_in_the_memory_of_one_of_16_mib() {
    let place = Place::new();
    let directory = sparse([16 * MIB, 16 * GIB]);
    let peak = |size: u64| get(&mut strongroom!(place, "jail", directory.path()).connect(), &format!("/{size}"), size);
    assert_no_growth(peak(16 * MIB), peak(16 * GIB));
}

#[test]
fn a_file_of_1_gib_is_read_through_the_guest_in_the_memory_of_one_of_16_mib() {
    let place = Place::new();
    let directory = sparse([16 * MIB, GIB]);
    let server = strongroom!(place, "jail", directory.path(), "--set", "native=no");
    let peak = |size: u64| get(&mut server.connect(), &format!("/{size}"), size);
    assert_no_growth(peak(16 * MIB), peak(GIB));
}

#[test]
fn an_idle_session_costs_less_than_12_mib() {
    const SESSIONS: u64 = 10;
    let place = Place::new();
    // A confined process does not tell its memory to others of the same user.
    let server = || jail(&place).args(["--no-os-sandbox"]);
    let mut sessions: Vec<Client> = (0..SESSIONS).map(|_| server().connect()).collect();
    for session in &mut sessions {
        session.realpath(".").unwrap();
    }
    let pss_kib: u64 = sessions.iter_mut().map(|session| kib(session, "smaps_rollup", "Pss")).sum();
    assert!(pss_kib < SESSIONS * 12 * 1024, "{} KiB a session", pss_kib / SESSIONS);
}

/// A session with one file that is open so many times.
struct Holding {
    client: Client,
    handles: Vec<Vec<u8>>,
}

impl Holding {
    fn new(server: &Program, handles: usize) -> Self {
        let mut client = server.connect();
        client.put("/file", &[b'x'; 1000]).unwrap();
        let handles = (0..handles).map(|_| client.open("/file", flag::READ, None).unwrap()).collect();
        Self { client, handles }
    }

    /// The server's CPU time, in nanoseconds, for requests by ten of the handles, from the first to the last.
    fn cost_ns(&mut self) -> u64 {
        let before = self.cpu_ns();
        for round in 0..500 {
            let handle = &self.handles[round % 10 * (self.handles.len() - 1) / 9];
            assert_eq!(self.client.read(handle, 0, 100).unwrap().len(), 100);
            assert_eq!(self.client.fstat(handle).unwrap().size, Some(1000));
            let another = self.client.open("/file", flag::READ, None).unwrap();
            self.client.close(&another).unwrap();
        }
        self.cpu_ns() - before
    }

    fn cpu_ns(&mut self) -> u64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.client.process().id())).unwrap();
        let spent = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap());
        spent.map(|text| text.split(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }
}

/// CPU time is disturbed by whatever else the machine does, so the least of several turns counts, and only twice as much
/// is too much: a search through all handles would cost many times as much.
#[track_caller]
fn assert_requests_cost_the_same(server: &Program, few: usize, many: usize) {
    let (mut of_few, mut of_many) = (Holding::new(server, few), Holding::new(server, many));
    let costs = (0..8).map(|_| (of_few.cost_ns(), of_many.cost_ns()));
    let least = costs.reduce(|least, cost| (least.0.min(cost.0), least.1.min(cost.1))).unwrap();
    println!("{} ns of CPU time beside {few} handles, {} ns beside {many}", least.0, least.1);
    assert!(least.1 < 2 * least.0, "{} ns beside {few} handles, and {} ns beside {many}", least.0, least.1);
}

#[test]
fn a_request_costs_the_same_beside_ten_and_ten_thousand_handles() {
    let place = Place::new();
    assert_requests_cost_the_same(&strongroom!(place, "memory", "--max-handles", "20000"), 10, 10_000);
}

/// Fewer, because each takes descriptors, of which a process may not have as many everywhere.
#[test]
fn a_request_costs_the_same_beside_ten_and_five_thousand_files_of_a_jail() {
    let place = Place::new();
    let jail = jail(&place).args(["--max-handles", "20000"]);
    let command = format!("ulimit -n 16384 && exec {}", jail.line());
    assert_requests_cost_the_same(&Program::new(&place, "/bin/sh").args(["-c", &command]), 10, 5_000);
}

#[test]
fn reads_that_wait_are_in_flight_together() {
    const READS: u64 = 64;
    let place = Place::new();
    let server = strongroom!(place, "run", guest("slow"), "--cache-dir", place.cache(), "--set", "hold=yes");
    let mut client = server.connect();
    let handle = client.open("/hello", flag::READ, None).unwrap();
    let mut reads: Vec<u32> =
        (0..READS).map(|_| client.send(kind::READ, Body::new().string(&handle).u64(0).u32(5))).collect();
    let mut waves = 0;
    while !reads.is_empty() {
        // Sent after the reads, so all that start at once wait by now; a server that does one after another would
        // never answer.
        let waiting = client.stat("/waiting").unwrap().size.unwrap();
        assert!(waiting > 0, "reads that wait for nothing");
        client.mkdir("/release", None).unwrap();
        for id in reads.drain(..usize::try_from(waiting).unwrap()) {
            assert_eq!(client.receive(id), Reply::Data(b"hello".to_vec()));
        }
        waves += 1;
    }
    assert!(waves <= 3, "{waves} waves");
}
