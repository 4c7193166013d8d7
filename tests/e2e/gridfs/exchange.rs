//! What one program stores the other reads: contents, sizes, times, revisions.

use super::{State, gridfs};
use serde_json::Value;
use std::fs;
use strongroom_tests::Place;
use strongroom_tests::client::refused;
use strongroom_tests::mongodb::{Database, Peer};
use strongroom_tests::packet::{Attributes, code, flag};
use strongroom_tests::tree::Noise;

/// Around the size of a chunk and of several, which is 255 KiB unless told otherwise.
const LENGTHS: [usize; 6] = [0, 1, 261_119, 261_120, 261_121, 3_000_000];

#[test]
fn others_read_what_we_write() {
    let (place, database) = (Place::new(), Database::fresh());
    let mut client = gridfs(&place, &database).connect();
    for length in LENGTHS {
        client.put(format!("/{length} ü.bin"), &Noise::new(length as u64).bytes(length)).unwrap();
    }
    client.mkdir("/in", Some(0o755)).unwrap();
    client.put("/in/here", b"deeper").unwrap();
    for peer in Peer::ALL {
        for length in LENGTHS {
            let file = peer.get(&place, &database, "fs", &format!("{length} ü.bin"));
            assert!(fs::read(file).unwrap() == Noise::new(length as u64).bytes(length), "{peer:?}: {length} bytes");
        }
        assert_eq!(fs::read(peer.get(&place, &database, "fs", "in/here")).unwrap(), b"deeper", "{peer:?}");
    }
    let state = State::of(&place, &database);
    state.assert_whole();
    assert_eq!((state.names.len(), state.orphans), (LENGTHS.len() + 1, 0), "{:?}", state.names);
}

#[test]
fn we_read_what_others_write() {
    for peer in Peer::ALL {
        let (place, database) = (Place::new(), Database::fresh());
        for length in LENGTHS {
            let file = place.file("source", Noise::new(length as u64).bytes(length));
            peer.put(&place, &database, "fs", &format!("a/b/{length} ü.bin"), &file);
        }
        let mut client = gridfs(&place, &database).connect();
        assert_eq!(client.list("/").unwrap(), ["a"], "{peer:?}: what stands before a '/' is a directory");
        assert!(client.stat("/a/b").unwrap().is_directory());
        let listed: Value = serde_json::from_str(&peer.list(&place, &database, "fs")).unwrap();
        let entries = client.entries("/a/b").unwrap();
        for length in LENGTHS {
            let name = format!("{length} ü.bin");
            let seen = client.stat(format!("/a/b/{name}")).unwrap();
            let known = listed.as_array().unwrap().iter().find(|file| file["name"] == format!("a/b/{name}")).unwrap();
            assert_eq!(seen.size, Some(length as u64), "{peer:?}");
            assert_eq!(known["length"], length as u64);
            let modified = seen.times.unwrap().1;
            assert_eq!(u64::from(modified), known["time"].as_u64().unwrap() / 1000, "{peer:?}: the time of {name}");
            let entry = entries.iter().find(|entry| entry.name == name.as_bytes()).unwrap();
            assert_eq!((entry.attributes.size, entry.attributes.times), (seen.size, seen.times));
            assert!(client.get(format!("/a/b/{name}")).unwrap() == Noise::new(length as u64).bytes(length), "{peer:?}");
        }
    }
}

#[test]
fn of_several_revisions_the_newest_is_shown_and_all_are_removed() {
    for peer in Peer::ALL {
        let (place, database) = (Place::new(), Database::fresh());
        for text in ["one", "two, longer", "3"] {
            let file = place.file("source", text);
            peer.put(&place, &database, "fs", "name", &file);
        }
        peer.put(&place, &database, "fs", "name and more", &place.file("source", "another"));
        let mut client = gridfs(&place, &database).connect();
        assert_eq!(client.list("/").unwrap(), ["name", "name and more"], "{peer:?}: a name is listed once");
        assert_eq!(client.get("/name").unwrap(), b"3");
        assert_eq!(client.stat("/name").unwrap().size, Some(1));
        client.remove("/name").unwrap();
        assert_eq!(refused(client.stat("/name")), code::NO_SUCH_FILE);
        assert_eq!(State::of(&place, &database).names, ["name and more"], "{peer:?}: no older one comes back");
        assert!(client.finish().0.success());
        let state = State::of(&place, &database);
        assert_eq!((state.names.as_slice(), state.orphans), (["name and more".to_owned()].as_slice(), 0));
    }
}

#[test]
fn what_we_overwrite_has_the_new_contents_for_all() {
    let (place, database) = (Place::new(), Database::fresh());
    Peer::Python.put(&place, &database, "fs", "name", &place.file("source", Noise::new(1).bytes(600_000)));
    let mut client = gridfs(&place, &database).connect();
    client.put("/name", b"ours").unwrap();
    for peer in Peer::ALL {
        assert_eq!(fs::read(peer.get(&place, &database, "fs", "name")).unwrap(), b"ours", "{peer:?}");
    }
    Peer::Node.put(&place, &database, "fs", "name", &place.file("source", "theirs again"));
    assert_eq!(client.get("/name").unwrap(), b"theirs again");
    let handle = client.open("/name", flag::READ | flag::WRITE, None).unwrap();
    client.write(&handle, 7, b"and ours").unwrap();
    client.fsetstat(&handle, &Attributes::size(13)).unwrap();
    client.close(&handle).unwrap();
    for peer in Peer::ALL {
        assert_eq!(fs::read(peer.get(&place, &database, "fs", "name")).unwrap(), b"theirs and ou", "{peer:?}");
    }
    client.rename("/name", "/in another place").unwrap();
    assert_eq!(fs::read(Peer::Node.get(&place, &database, "fs", "in another place")).unwrap(), b"theirs and ou");
    State::of(&place, &database).assert_whole();
}

#[test]
fn another_bucket_is_another_world() {
    let (place, database) = (Place::new(), Database::fresh());
    Peer::Python.put(&place, &database, "photos", "there", &place.file("source", "a photo"));
    let mut client = gridfs(&place, &database).args(["--bucket", "photos"]).connect();
    assert_eq!(client.get("/there").unwrap(), b"a photo");
    client.put("/here", b"ours").unwrap();
    assert_eq!(fs::read(Peer::Node.get(&place, &database, "photos", "here")).unwrap(), b"ours");
    assert!(gridfs(&place, &database).connect().list("/").unwrap().is_empty());
}
