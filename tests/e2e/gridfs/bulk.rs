//! A gibibyte there and back: what the host holds of it does not grow with it.

use super::{gridfs, log};
use std::collections::VecDeque;
use strongroom_tests::mongodb::Database;
use strongroom_tests::packet::{Body, code, flag, kind};
use strongroom_tests::process::peak_memory;
use strongroom_tests::tree::Noise;
use strongroom_tests::{Client, Place, Reply, Status};

const GIBIBYTE: u64 = 1 << 30;
const PIECE: usize = 256 << 10;
/// As OpenSSH's client has them.
const IN_FLIGHT: usize = 16;
/// More than a file of a few MiB takes, and a fraction of what was moved.
const MOST_MEMORY: u64 = 96 << 20;

/// The piece of the file that begins at `offset`: noise of its own.
fn piece(offset: u64) -> Vec<u8> {
    Noise::new(offset / PIECE as u64).bytes(PIECE)
}

fn put(place: &Place, client: &mut Client, path: &str, length: u64) {
    let handle = client.open(path, flag::WRITE | flag::CREAT | flag::TRUNC, None).unwrap();
    let mut sent = VecDeque::new();
    let taken = |client: &mut Client, id| {
        let reply = client.receive(id);
        assert!(matches!(reply, Reply::Status(Status { code: code::OK, .. })), "{reply:?}: {}", log(place));
    };
    for offset in (0..length).step_by(PIECE) {
        // A packet has room for less than a piece.
        let piece = piece(offset);
        let (head, tail) = piece.split_at(PIECE / 2);
        for (offset, bytes) in [(offset, head), (offset + head.len() as u64, tail)] {
            sent.push_back(client.send(kind::WRITE, Body::new().string(&handle).u64(offset).string(bytes)));
        }
        while sent.len() > IN_FLIGHT {
            taken(client, sent.pop_front().unwrap());
        }
    }
    for id in sent {
        taken(client, id);
    }
    client.close(&handle).unwrap();
}

fn get(client: &mut Client, path: &str, length: u64) {
    let handle = client.open(path, flag::READ, None).unwrap();
    let half = PIECE as u64 / 2;
    let mut asked = VecDeque::new();
    let mut next = 0;
    while next < length || !asked.is_empty() {
        while next < length && asked.len() < IN_FLIGHT {
            let body = Body::new().string(&handle).u64(next).u32(half as u32);
            asked.push_back((next, client.send(kind::READ, body)));
            next += half;
        }
        let (offset, id) = asked.pop_front().unwrap();
        let Reply::Data(bytes) = client.receive(id) else { panic!("no data at {offset}") };
        let begun = (offset % PIECE as u64) as usize;
        assert!(bytes == piece(offset - begun as u64)[begun..begun + half as usize], "at {offset}");
    }
    client.close(&handle).unwrap();
}

#[test]
fn a_gibibyte_goes_there_and_back_in_bounded_memory() {
    let place = Place::new();
    let (_server, database) = Database::roomy(&place);
    let mut client = gridfs(&place, &database).connect();
    put(&place, &mut client, "/big", GIBIBYTE);
    let after_put = peak_memory(client.process().id());
    assert_eq!(client.stat("/big").unwrap().size, Some(GIBIBYTE));
    get(&mut client, "/big", GIBIBYTE);
    let after_get = peak_memory(client.process().id());
    println!("noted: the host's memory: {} MiB after the put, {} MiB after the get", after_put >> 20, after_get >> 20);
    assert!(after_get < MOST_MEMORY, "{after_get} bytes");
    client.remove("/big").unwrap();
    assert!(client.finish().0.success());
}
