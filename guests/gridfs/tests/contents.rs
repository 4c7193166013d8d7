//! What is in files, against bytes in memory: with chunks so small that every edge of one is met.

mod server;

use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc};
use proptest::prelude::*;
use server::Server;
use strongroom_gridfs::Gridfs;
use strongroom_guest::testing::Client;
use strongroom_guest::{AttributeChanges, ErrorCode, OpenFlags};

/// What another program that takes so small chunks leaves: whatever is written to it later has them, too.
const CHUNK: i32 = 7;

fn connect(server: &Server) -> Client<Gridfs> {
    let address = server.address();
    Client::connect(&[("address", &address), ("database", "test"), ("chunk-size", "1024")]).unwrap()
}

fn with_chunks_of(server: &Server, size: i32, length: usize) {
    let uploaded = DateTime::from_millis(1000);
    let file = doc! { "_id": 1, "length": length as i64, "chunkSize": size, "uploadDate": uploaded, "filename": "f" };
    server.add("fs.files", file);
    for n in 0..length.div_ceil(size as usize) {
        server.add("fs.chunks", doc! { "files_id": 1, "n": n as i32, "data": binary(&vec![1; size as usize]) });
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Read(u64, u32),
    Resize(u64),
    Sync,
    /// Closed and opened again.
    Publish,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop::collection::vec(1_u8.., 0..30);
    prop_oneof![
        4 => (0_u64..60, bytes).prop_map(|(offset, bytes)| Step::Write(offset, bytes)),
        2 => (0_u64..80, 0_u32..80).prop_map(|(offset, length)| Step::Read(offset, length)),
        2 => (0_u64..80).prop_map(Step::Resize),
        1 => Just(Step::Sync),
        1 => Just(Step::Publish),
    ]
}

fn sized(size: u64) -> AttributeChanges {
    AttributeChanges { size: Some(size), ..AttributeChanges::NONE }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn as_bytes_in_memory(steps in prop::collection::vec(step(), 1..25)) {
        let server = Server::start();
        let client = connect(&server);
        let flags = OpenFlags::READ | OpenFlags::WRITE;
        with_chunks_of(&server, CHUNK, 0);
        let mut file = client.open("/f", flags).unwrap();
        let mut model: Vec<u8> = vec![];
        for step in steps {
            match step {
                Step::Write(offset, bytes) => {
                    file.write(offset, &bytes).unwrap();
                    let end = offset as usize + bytes.len();
                    if !bytes.is_empty() {
                        model.resize(model.len().max(end), 0);
                        model[offset as usize..end].copy_from_slice(&bytes);
                    }
                }
                Step::Read(offset, length) => {
                    let start = model.len().min(offset as usize);
                    let end = model.len().min(offset as usize + length as usize);
                    let mut read = file.read(offset, length).unwrap();
                    while !read.is_empty() && read.len() < end - start {
                        // Short reads are allowed.
                        read.extend(file.read(offset + read.len() as u64, length - read.len() as u32).unwrap());
                    }
                    prop_assert_eq!(&read, &model[start..end]);
                }
                Step::Resize(size) => {
                    file.set_stat(sized(size)).unwrap();
                    model.resize(size as usize, 0);
                }
                Step::Sync => file.sync().unwrap(),
                Step::Publish => {
                    file.close().unwrap();
                    prop_assert_eq!(&client.get("/f").unwrap(), &model);
                    file = client.open("/f", flags).unwrap();
                }
            }
            prop_assert_eq!(file.stat().unwrap().size, Some(model.len() as u64));
        }
        file.close().unwrap();
        prop_assert_eq!(&client.get("/f").unwrap(), &model);
        client.close().unwrap();
        let chunks = server.documents("fs.chunks");
        prop_assert_eq!(chunks.len(), model.len().div_ceil(7), "no chunk is left over");
        let mut whole: Vec<_> = chunks.iter().map(|chunk| (chunk.get_i32("n").unwrap(), chunk.get_binary_generic("data").unwrap())).collect();
        whole.sort();
        prop_assert_eq!(whole.into_iter().flat_map(|(_, data)| data.clone()).collect::<Vec<_>>(), model);
        prop_assert_eq!(server.documents("fs.files").len(), 1);
        prop_assert_eq!(server.documents("fs.strongroom"), vec![], "no record is left over");
    }
}

#[test]
fn what_is_not_published_is_not_there() {
    let server = Server::start();
    let client = connect(&server);
    client.put("/f", "before").unwrap();
    let file = client.open("/f", OpenFlags::WRITE | OpenFlags::TRUNCATE).unwrap();
    file.write(0, [7; 100]).unwrap();
    file.sync().unwrap();
    assert_eq!(client.get("/f").unwrap(), b"before");
    file.discard().unwrap();
    assert_eq!(client.get("/f").unwrap(), b"before");
    assert_eq!(server.documents("fs.chunks").len(), 1);
    assert_eq!(server.documents("fs.strongroom").len(), 0);
}

#[test]
fn a_file_that_was_opened_stays_what_it_was() {
    let server = Server::start();
    let client = connect(&server);
    client.put("/f", [1; 50]).unwrap();
    let replaced = client.open("/f", OpenFlags::READ).unwrap();
    client.put("/f", [2; 20]).unwrap();
    let removed = client.open("/f", OpenFlags::READ).unwrap();
    client.remove("/f").unwrap();
    assert_eq!(replaced.read(0, 50).unwrap(), [1; 50]);
    assert_eq!(removed.read(0, 50).unwrap(), [2; 20]);
    assert!(!server.documents("fs.chunks").is_empty());
    replaced.close().unwrap();
    removed.close().unwrap();
    assert_eq!(server.documents("fs.chunks").len(), 0, "and goes when it is closed");
}

#[test]
fn appending_ignores_offsets() {
    let server = Server::start();
    let client = connect(&server);
    client.put("/f", "0123456789").unwrap();
    let file = client.open("/f", OpenFlags::WRITE | OpenFlags::APPEND).unwrap();
    file.write(0, "ab").unwrap();
    file.write(3, "cd").unwrap();
    file.close().unwrap();
    assert_eq!(client.get("/f").unwrap(), b"0123456789abcd");
}

#[test]
fn however_small_its_chunks_a_file_is_read_and_written_by_few_of_them() {
    let server = Server::start();
    let client = connect(&server);
    with_chunks_of(&server, 1, 1100);
    let file = client.open("/f", OpenFlags::READ | OpenFlags::WRITE).unwrap();
    assert_eq!(file.read(0, 1100).unwrap(), [1; 1000]);
    let before = server.commands();
    file.write(0, [2; 1050]).unwrap();
    file.close().unwrap();
    assert!(server.commands() - before < 30, "{} commands", server.commands() - before);
    assert_eq!(client.get("/f").unwrap(), [[2; 1050].as_slice(), &[1; 50]].concat());
}

#[test]
fn a_file_without_a_length_is_no_empty_one() {
    let server = Server::start();
    let client = connect(&server);
    for length in ["long".into(), (-1_i64).into(), 0.5.into()] {
        client.put("/f", [7; 3000]).unwrap();
        let damaged: bson::Bson = length;
        server.change(|store| drop(store.collection("fs.files")[0].insert("length", damaged)));
        assert_eq!(client.stat("/f").unwrap().size, None);
        assert_eq!(client.names("/").unwrap(), ["f"]);
        assert_eq!(client.get("/f").unwrap_err().code, ErrorCode::Corrupt);
        let file = client.open("/f", OpenFlags::WRITE | OpenFlags::APPEND);
        assert_eq!(file.map(drop).unwrap_err().code, ErrorCode::Corrupt);
    }
    client.put("/f", "whole").unwrap();
    assert_eq!(client.get("/f").unwrap(), b"whole");
}

#[test]
fn damage_is_told() {
    let cut: fn(&mut Document) = |chunk| drop(chunk.insert("data", binary(&[0; 3])));
    let rename: fn(&mut Document) = |chunk| drop(chunk.insert("n", 100));
    let spoil: fn(&mut Document) = |chunk| drop(chunk.insert("data", "no bytes"));
    for damage in [cut, rename, spoil] {
        let server = Server::start();
        let client = connect(&server);
        client.put("/f", [7; 3000]).unwrap();
        server.change(|store| damage(&mut store.collection("fs.chunks")[1]));
        assert_eq!(client.get("/f").unwrap_err().code, ErrorCode::Corrupt);
    }
}

#[test]
fn a_chunk_that_was_lost_before_it_is_written_again_is_told_of() {
    let server = Server::start();
    let client = connect(&server);
    client.put("/f", "before").unwrap();
    let file = client.open("/f", OpenFlags::WRITE | OpenFlags::TRUNCATE).unwrap();
    file.write(0, [7; 3000]).unwrap();
    file.sync().unwrap();
    server.change(|store| store.collection("fs.chunks").retain(|chunk| chunk.get_i32("n").unwrap() != 1));
    // All of the chunk, so that nothing of it is read before.
    file.write(0, [8; 3000]).unwrap();
    assert_eq!(file.close().unwrap_err().code, ErrorCode::Corrupt);
    assert_eq!(client.get("/f").unwrap(), b"before");
}

#[test]
fn what_was_read_in_order_is_read_again() {
    let server = Server::start();
    let client = connect(&server);
    let bytes: Vec<u8> = (0..5500_u32).map(|index| index as u8 ^ (index >> 8) as u8).collect();
    client.put("/f", &bytes).unwrap();
    let file = client.open("/f", OpenFlags::READ).unwrap();
    for step in [1024, 1024, 700, 2048] {
        let read: Vec<u8> = (0..5500).step_by(step).flat_map(|at| file.read(at as u64, step as u32).unwrap()).collect();
        assert!(read == bytes, "by {step}");
    }
    file.close().unwrap();
}

/// The server works for each command, however little that brings.
#[test]
fn who_reads_in_order_asks_by_few_commands() {
    const CHUNKS: usize = 64;
    const CHUNK_BYTES: usize = 255 << 10;
    const CHUNKS_OF_A_COMMAND: usize = 16;
    let server = Server::start();
    let client = connect(&server);
    with_chunks_of(&server, CHUNK_BYTES as i32, CHUNKS * CHUNK_BYTES);
    let file = client.open("/f", OpenFlags::READ).unwrap();
    for at in (0..CHUNKS * CHUNK_BYTES).step_by(128 << 10) {
        file.read(at as u64, 128 << 10).unwrap();
    }
    file.close().unwrap();
    let commands = server.seen().iter().filter(|command| *command == "find fs.chunks").count();
    // The first few reads are not known to be in order.
    assert!(commands <= CHUNKS / CHUNKS_OF_A_COMMAND + 2, "{commands}");
}

fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

#[test]
fn a_file_that_is_open_for_writing_is_cut_by_its_path() {
    let server = Server::start();
    let client = connect(&server);
    client.put("/f", b"0123456789").unwrap();
    let file = client.open("/f", OpenFlags::READ | OpenFlags::WRITE).unwrap();
    file.write(0, b"ABC").unwrap();
    client.set_stat("/f", sized(5)).unwrap();
    file.close().unwrap();
    assert_eq!(client.get("/f").unwrap(), b"ABC34");
}
