//! Two hosts that write the same bucket at once.

use super::{State, gridfs};
use std::thread;
use strongroom_tests::Place;
use strongroom_tests::client::refused;
use strongroom_tests::mongodb::Database;
use strongroom_tests::packet::{Attributes, code, flag};
use strongroom_tests::rivals::{race, race_renames};
use strongroom_tests::tree::Noise;

#[test]
fn of_two_that_create_exclusively_one_wins() {
    let (place, database) = (Place::new(), Database::fresh());
    let exclusive = flag::WRITE | flag::CREAT | flag::EXCL;
    race(
        40,
        || gridfs(&place, &database).connect(),
        move |client, name| {
            let Ok(handle) = client.open(name, exclusive, None) else { return false };
            client.write(&handle, 0, name.as_bytes()).unwrap();
            client.close(&handle).is_ok()
        },
    );
    let mut state = State::of(&place, &database);
    state.assert_whole();
    state.names.sort();
    state.names.dedup();
    assert_eq!(state.names.len(), 40, "each file is there once");
}

#[test]
fn of_two_that_make_a_directory_one_wins() {
    let (place, database) = (Place::new(), Database::fresh());
    race(40, || gridfs(&place, &database).connect(), |client, name| client.mkdir(name, None).is_ok());
}

#[test]
fn of_two_that_rename_to_one_name_one_wins_and_nothing_is_lost() {
    let (place, database) = (Place::new(), Database::fresh());
    race_renames(30, || gridfs(&place, &database).connect());
    State::of(&place, &database).assert_whole();
}

#[test]
fn of_two_that_overwrite_one_file_at_once_the_one_or_the_other_is_there_whole() {
    let (place, database) = (Place::new(), Database::fresh());
    let writers = [1, 2].map(|seed| {
        let mut client = gridfs(&place, &database).connect();
        thread::spawn(move || {
            for _ in 0..8 {
                client.put("/file", &Noise::new(seed).bytes(400_000)).unwrap();
            }
            assert!(client.finish().0.success());
        })
    });
    let mut reader = gridfs(&place, &database).connect();
    let versions = [1, 2].map(|seed| Noise::new(seed).bytes(400_000));
    while !writers.iter().all(thread::JoinHandle::is_finished) {
        match reader.get("/file") {
            Ok(bytes) => assert!(versions.contains(&bytes), "a mixture of {} bytes", bytes.len()),
            // A version that another host removes under a reader is no more, and never half of another.
            Err(status) => assert!([code::NO_SUCH_FILE, code::FAILURE].contains(&status.code), "{status:?}"),
        }
    }
    for writer in writers {
        writer.join().unwrap();
    }
    assert!(versions.contains(&reader.get("/file").unwrap()));
    assert!(reader.finish().0.success());
    let state = State::of(&place, &database);
    state.assert_whole();
    assert_eq!((state.names.as_slice(), state.orphans), (["file".to_owned()].as_slice(), 0), "older versions are gone");
}

#[test]
fn what_one_does_the_other_sees() {
    let (place, database) = (Place::new(), Database::fresh());
    let (mut one, mut other) = (gridfs(&place, &database).connect(), gridfs(&place, &database).connect());
    one.mkdir("/directory", Some(0o750)).unwrap();
    assert_eq!(other.stat("/directory").unwrap().mode(), 0o750);
    one.put("/directory/file", b"one").unwrap();
    assert_eq!(other.get("/directory/file").unwrap(), b"one");
    other.setstat("/directory/file", &Attributes::permissions(0o600)).unwrap();
    assert_eq!(one.stat("/directory/file").unwrap().mode(), 0o600);
    assert_eq!(refused(one.rmdir("/directory")), code::FAILURE);
    other.rename("/directory", "/another").unwrap();
    assert_eq!(refused(one.stat("/directory/file")), code::NO_SUCH_FILE);
    assert_eq!(one.list("/another").unwrap(), ["file"]);
}

#[test]
fn an_upload_is_not_seen_before_it_is_closed() {
    let (place, database) = (Place::new(), Database::fresh());
    let (mut one, mut other) = (gridfs(&place, &database).connect(), gridfs(&place, &database).connect());
    one.put("/file", b"old").unwrap();
    let handle = one.open("/file", flag::WRITE | flag::TRUNC, None).unwrap();
    one.write(&handle, 0, &Noise::new(1).bytes(200_000)).unwrap();
    let new = one.open("/new", flag::WRITE | flag::CREAT, None).unwrap();
    one.write(&new, 0, b"new").unwrap();
    assert_eq!(other.get("/file").unwrap(), b"old");
    assert_eq!(other.list("/").unwrap(), ["file"]);
    let reading = other.open("/file", flag::READ, None).unwrap();
    one.close(&handle).unwrap();
    one.close(&new).unwrap();
    assert_eq!(other.get("/file").unwrap(), Noise::new(1).bytes(200_000));
    assert_eq!(other.get("/new").unwrap(), b"new");
    other.close(&reading).unwrap();
}
