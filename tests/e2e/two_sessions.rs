//! Two sessions at once on one directory: what the draft and POSIX promise of files that others rename, remove, append
//! to and create meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use strongroom_tests::client::refused;
use strongroom_tests::packet::{Attributes, Body, code, flag, kind};
use strongroom_tests::rivals::{race, race_renames};
use strongroom_tests::{Client, Place, Program, Reply, Status, strongroom};

const RECORD_BYTES: usize = 1000;
const RECORDS: u64 = 500;

fn jail(place: &Place, native: &str) -> Program {
    strongroom!(place, "jail", place.directory("jail"), "--set", format!("native={native}"))
}

/// With the host moving the bytes, and with the guest moving them.
fn two_sessions(test: impl Fn(&Place, &mut Client, &mut Client)) {
    for native in ["yes", "no"] {
        let place = Place::new();
        let (mut one, mut other) = (jail(&place, native).connect(), jail(&place, native).connect());
        test(&place, &mut one, &mut other);
    }
}

#[test]
fn a_rename_over_an_open_file_leaves_the_open_file_as_it_was() {
    two_sessions(|_, one, other| {
        one.put("/file", b"old").unwrap();
        other.put("/new", b"new and longer").unwrap();
        let handle = one.open("/file", flag::READ | flag::WRITE, None).unwrap();
        other.posix_rename("/new", "/file").unwrap();
        assert_eq!(one.read(&handle, 0, 100).unwrap(), b"old");
        one.write(&handle, 3, b" still").unwrap();
        assert_eq!(one.fstat(&handle).unwrap().size, Some(9));
        one.fsetstat(&handle, &Attributes::permissions(0o600)).unwrap();
        one.close(&handle).unwrap();
        assert_eq!(one.get("/file").unwrap(), b"new and longer");
        assert_eq!(one.stat("/file").unwrap().mode(), 0o644, "a handle acts on its file and not on a path");
    });
}

#[test]
fn an_open_file_that_the_other_removes_can_be_used_to_its_close() {
    two_sessions(|_, one, other| {
        one.put("/file", b"here").unwrap();
        let handle = one.open("/file", flag::READ | flag::WRITE, None).unwrap();
        other.remove("/file").unwrap();
        assert_eq!(refused(one.stat("/file")), code::NO_SUCH_FILE);
        one.write(&handle, 4, b" still").unwrap();
        assert_eq!(one.read(&handle, 0, 100).unwrap(), b"here still");
        other.put("/file", b"another").unwrap();
        one.fsetstat(&handle, &Attributes::size(2)).unwrap();
        assert_eq!(one.read(&handle, 0, 100).unwrap(), b"he");
        one.close(&handle).unwrap();
        assert_eq!(one.get("/file").unwrap(), b"another");
    });
}

#[test]
fn what_one_wrote_the_other_reads_at_once() {
    two_sessions(|_, one, other| {
        let writing = one.open("/file", flag::WRITE | flag::CREAT, None).unwrap();
        let reading = other.open("/file", flag::READ, None).unwrap();
        for index in 0..50_u64 {
            one.write(&writing, index * 3, b"abc").unwrap();
            assert_eq!(other.read(&reading, index * 3, 10).unwrap(), b"abc");
            assert_eq!(refused(other.read(&reading, index * 3 + 3, 10)), code::EOF);
        }
        one.fsetstat(&writing, &Attributes::size(1)).unwrap();
        assert_eq!(other.read(&reading, 0, 10).unwrap(), b"a");
    });
}

#[test]
fn nothing_is_lost_or_mixed_when_both_append() {
    for native in ["yes", "no"] {
        let place = Place::new();
        let writers = [b'a', b'b'].map(|letter| {
            let client = jail(&place, native).connect();
            thread::spawn(move || append_records(client, letter))
        });
        for writer in writers {
            writer.join().unwrap();
        }
        let bytes = fs::read(place.path("jail/log")).unwrap();
        assert_eq!(bytes.len() as u64, 2 * RECORDS * RECORD_BYTES as u64);
        let records: BTreeSet<&[u8]> = bytes.chunks(RECORD_BYTES).collect();
        assert_eq!(records.len() as u64, 2 * RECORDS, "each record is there once");
        for record in records {
            assert!(record[8..].iter().all(|byte| *byte == record[8]), "no record is within another");
        }
    }
}

/// Many requests in flight, each a record of its own, all said to go to offset 0.
fn append_records(mut client: Client, letter: u8) {
    let handle = client.open("/log", flag::WRITE | flag::CREAT | flag::APPEND, None).unwrap();
    let mut sent = Vec::new();
    for index in 0..RECORDS {
        let mut record = index.to_be_bytes().to_vec();
        record.resize(RECORD_BYTES, letter);
        sent.push(client.send(kind::WRITE, Body::new().string(&handle).u64(0).string(record)));
    }
    for id in sent {
        assert!(matches!(client.receive(id), Reply::Status(Status { code: code::OK, .. })));
    }
    client.close(&handle).unwrap();
}

#[test]
fn of_two_that_create_exclusively_one_wins() {
    let exclusive = flag::WRITE | flag::CREAT | flag::EXCL;
    let place = Place::new();
    race(300, || jail(&place, "yes").connect(), move |client, name| client.open(name, exclusive, None).is_ok());
}

#[test]
fn of_two_that_make_a_directory_one_wins() {
    let place = Place::new();
    race(300, || jail(&place, "yes").connect(), |client, name| client.mkdir(name, None).is_ok());
}

#[test]
fn of_two_that_rename_to_one_name_one_wins_and_nothing_is_lost() {
    for native in ["yes", "no"] {
        let place = Place::new();
        race_renames(200, || jail(&place, native).connect());
    }
}

#[test]
fn a_listing_survives_what_the_other_does_to_the_directory() {
    two_sessions(|_, one, other| {
        for index in 0..500 {
            one.put(format!("/stays-{index}"), b"").unwrap();
            one.put(format!("/goes-{index}"), b"").unwrap();
        }
        let handle = one.opendir("/").unwrap();
        let mut seen: Vec<Vec<u8>> = one.readdir(&handle).unwrap().into_iter().map(|entry| entry.name).collect();
        for index in 0..500 {
            other.remove(format!("/goes-{index}")).unwrap();
        }
        while let Ok(batch) = one.readdir(&handle) {
            seen.extend(batch.into_iter().map(|entry| entry.name));
        }
        let count = seen.len();
        let names: BTreeSet<Vec<u8>> = seen.into_iter().collect();
        assert_eq!(names.len(), count, "no name twice");
        assert!((0..500).all(|index| names.contains(format!("stays-{index}").as_bytes())));
    });
}
