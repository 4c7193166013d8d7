//! What every storage promises, of a bucket: the long conversation, and what is kept from one session to the next.

use super::{State, gridfs};
use strongroom_tests::client::refused;
use strongroom_tests::mongodb::Database;
use strongroom_tests::packet::{Attributes, code, flag};
use strongroom_tests::scenario::converse_without_links;
use strongroom_tests::tree::Noise;
use strongroom_tests::{Place, strongroom};

#[test]
fn every_request_is_answered_as_by_the_other_storages() {
    let (place, database) = (Place::new(), Database::fresh());
    let expected = converse_without_links(&mut strongroom!(place, "memory", "-u", "022").connect());
    let found = converse_without_links(&mut gridfs(&place, &database).connect());
    assert_eq!(found.len(), expected.len());
    let differences: Vec<_> = found.iter().zip(&expected).filter(|(found, expected)| found != expected).collect();
    assert!(differences.is_empty(), "here, and in memory: {differences:#?}");
    State::of(&place, &database).assert_whole();
}

#[test]
fn permissions_times_and_empty_directories_outlive_the_session() {
    let (place, database) = (Place::new(), Database::fresh());
    let mut client = gridfs(&place, &database).connect();
    client.put("/file", b"contents").unwrap();
    client.setstat("/file", &Attributes::permissions(0o640)).unwrap();
    client.setstat("/file", &Attributes::times(1_000_000_000, 1_100_000_000)).unwrap();
    client.mkdir("/empty", Some(0o700)).unwrap();
    client.mkdir("/from", None).unwrap();
    for name in ["a", "b", "c"] {
        client.put(format!("/from/{name}"), name.as_bytes()).unwrap();
    }
    client.mkdir("/from/sub", None).unwrap();
    client.put("/from/sub/d", b"d").unwrap();
    client.put("/from-not", b"not in it").unwrap();
    client.rename("/from", "/to").unwrap();
    client.remove("/to/a").unwrap();
    assert!(client.finish().0.success());

    let mut client = gridfs(&place, &database).connect();
    let seen = client.stat("/file").unwrap();
    assert_eq!((seen.mode(), seen.times), (0o640, Some((1_000_000_000, 1_100_000_000))));
    assert_eq!(client.stat("/empty").unwrap().mode(), 0o700);
    assert_eq!(client.list("/").unwrap(), ["empty", "file", "from-not", "to"]);
    assert_eq!(client.list("/to").unwrap(), ["b", "c", "sub"]);
    assert_eq!(client.get("/to/sub/d").unwrap(), b"d");
    client.remove("/to/b").unwrap();
    client.remove("/to/c").unwrap();
    client.remove("/to/sub/d").unwrap();
    assert!(client.list("/to/sub").unwrap().is_empty(), "a directory that was made stays when it is empty");
    client.rmdir("/to/sub").unwrap();
    client.rmdir("/to").unwrap();
    client.rmdir("/empty").unwrap();
    assert_eq!(client.list("/").unwrap(), ["file", "from-not"]);
    // A server need not tell of its disk, as MongoDB's own does.
    match client.statvfs("/") {
        Ok(numbers) => assert!(numbers[0] > 0),
        Err(status) => assert_eq!(status.code, code::OP_UNSUPPORTED),
    }
}

#[test]
fn a_file_is_changed_in_the_middle_cut_and_appended_to() {
    let (place, database) = (Place::new(), Database::fresh());
    let mut expected = Noise::new(3).bytes(1_000_000);
    let mut client = gridfs(&place, &database).connect();
    client.put("/file", &expected).unwrap();
    let handle = client.open("/file", flag::READ | flag::WRITE, None).unwrap();
    let mut noise = Noise::new(4);
    for _ in 0..20 {
        let bytes = noise.bytes(1 + (noise.clone().word() % 40_000) as usize);
        let offset = (noise.word() % 1_000_000) as usize;
        client.write(&handle, offset as u64, &bytes).unwrap();
        expected.resize(expected.len().max(offset + bytes.len()), 0);
        expected[offset..offset + bytes.len()].copy_from_slice(&bytes);
        let from = (noise.word() % 900_000) as usize;
        let read = client.read(&handle, from as u64, 50_000).unwrap();
        assert!(
            read == expected[from..from + read.len()] && !read.is_empty(),
            "what was written is read before the end"
        );
    }
    client.fsetstat(&handle, &Attributes::size(300_001)).unwrap();
    client.fsetstat(&handle, &Attributes::size(700_000)).unwrap();
    expected.truncate(300_001);
    expected.resize(700_000, 0);
    client.close(&handle).unwrap();
    assert!(client.get("/file").unwrap() == expected);
    let handle = client.open("/file", flag::WRITE | flag::APPEND, None).unwrap();
    client.write(&handle, 0, b"appended").unwrap();
    client.close(&handle).unwrap();
    expected.extend(b"appended");
    assert!(client.finish().0.success());
    assert!(gridfs(&place, &database).connect().get("/file").unwrap() == expected);
    let state = State::of(&place, &database);
    state.assert_whole();
    assert_eq!(state.orphans, 0);
}

#[test]
fn a_directory_of_hundreds_is_listed_whole() {
    let (place, database) = (Place::new(), Database::fresh());
    let mut client = gridfs(&place, &database).connect();
    let mut expected: Vec<String> = (0..600).map(|index| format!("file {index}")).collect();
    client.mkdir("/directory", None).unwrap();
    for name in &expected {
        client.put(format!("/directory/{name}"), b"").unwrap();
    }
    expected.sort();
    assert_eq!(client.list("/directory").unwrap(), expected);
    assert_eq!(client.list("/").unwrap(), ["directory"]);
    assert_eq!(refused(client.list("/direct")), code::NO_SUCH_FILE);
}
