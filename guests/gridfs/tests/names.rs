//! Names and directories, against a tree in memory.

mod server;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use proptest::prelude::*;
use server::Server;
use strongroom_gridfs::Gridfs;
use strongroom_guest::testing::Client;
use strongroom_guest::tree::TreeSession;
use strongroom_guest::{
    AttributeChanges, Client as Who, Connected, ErrorCode, FileKind, OpenFlags, Result, Settings, Storage, Timestamp,
};

/// What a file system in memory makes of the same steps.
struct Tree;

impl Storage for Tree {
    type Session = TreeSession;

    async fn connect(_client: Who, _settings: &mut Settings) -> Result<Connected<TreeSession>> {
        Ok(Connected::new(TreeSession::new(1 << 20)).with_features(TreeSession::features()))
    }
}

fn connect(server: &Server) -> Client<Gridfs> {
    Client::connect(&[("address", &server.address()), ("database", "test")]).unwrap()
}

/// A file as another program stores it.
fn store(server: &Server, name: &str, uploaded_ms: i64) -> ObjectId {
    let id = ObjectId::new();
    let uploaded = DateTime::from_millis(uploaded_ms);
    let file = doc! { "_id": id, "length": 0_i64, "chunkSize": 261_120, "uploadDate": uploaded, "filename": name };
    server.add("fs.files", file);
    id
}

#[derive(Clone, Debug)]
enum Step {
    Put(String),
    PutNew(String),
    MakeDirectory(String),
    Remove(String),
    RemoveDirectory(String),
    Rename(String, String, bool),
    List(String),
    Look(String),
}

fn step() -> impl Strategy<Value = Step> {
    // Names of which one begins with the other, with what sorts before and after '/'.
    let name = || prop::collection::vec(prop::sample::select(vec!["a", "a-", "a0", "ab", "b"]), 1..4);
    let path = move || name().prop_map(|names| format!("/{}", names.join("/")));
    prop_oneof![
        3 => path().prop_map(Step::Put),
        1 => path().prop_map(Step::PutNew),
        3 => path().prop_map(Step::MakeDirectory),
        2 => path().prop_map(Step::Remove),
        1 => path().prop_map(Step::RemoveDirectory),
        3 => (path(), path(), any::<bool>()).prop_map(|(from, to, replace)| Step::Rename(from, to, replace)),
        1 => path().prop_map(Step::List),
        1 => path().prop_map(Step::Look),
    ]
}

fn take<S: Storage>(client: &Client<S>, step: &Step) -> Result<Vec<String>, ErrorCode> {
    let none = |()| vec![];
    let result = match step {
        Step::Put(path) => client.put(path, path).map(none),
        Step::PutNew(path) => {
            let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
            client.open(path, flags).and_then(|file| file.close()).map(none)
        }
        Step::MakeDirectory(path) => client.make_directory(path).map(none),
        Step::Remove(path) => client.remove(path).map(none),
        Step::RemoveDirectory(path) => client.remove_directory(path).map(none),
        Step::Rename(from, to, replace) => client.rename(from, to, *replace).map(none),
        Step::List(path) => client.list(path).map(|entries| {
            entries.into_iter().map(|entry| format!("{} {:?}", entry.name, entry.attributes.kind)).collect()
        }),
        Step::Look(path) => client.stat(path).map(|found| {
            vec![format!("{:?} {:?}", found.kind, (found.kind == FileKind::Regular).then_some(found.size))]
        }),
    };
    result.map_err(|error| match error.code {
        // Clients are told the same of both, and finding out costs the storage one more question for each directory above.
        ErrorCode::NotADirectory => ErrorCode::NoSuchFile,
        code => code,
    })
}

fn whole<S: Storage>(client: &Client<S>, path: &str) -> Vec<String> {
    let mut all = vec![];
    for entry in client.list(path).unwrap() {
        let path = format!("{}/{}", path.trim_end_matches('/'), entry.name);
        if entry.attributes.kind == FileKind::Directory {
            all.push(format!("{path}/"));
            all.extend(whole(client, &path));
        } else {
            all.push(format!("{path} {:?}", client.get(&path).unwrap()));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn as_a_tree_in_memory(steps in prop::collection::vec(step(), 1..30)) {
        let server = Server::start();
        let (client, tree) = (connect(&server), Client::<Tree>::connect(&[]).unwrap());
        for step in steps {
            prop_assert_eq!(take(&client, &step), take(&tree, &step), "{:?}", step);
        }
        prop_assert_eq!(whole(&client, "/"), whole(&tree, "/"));
        let files = server.documents("fs.files").len();
        prop_assert_eq!(whole(&tree, "/").iter().filter(|line| !line.ends_with('/')).count(), files);
    }
}

#[test]
fn directories_are_implied_and_then_kept() {
    let server = Server::start();
    let client = connect(&server);
    store(&server, "a/b/c", 1000);
    assert_eq!(client.names("/").unwrap(), ["a"]);
    assert_eq!(client.stat("/a/b").unwrap().kind, FileKind::Directory);
    assert_eq!(client.make_directory("/a").unwrap_err().code, ErrorCode::AlreadyExists);
    client.remove("/a/b/c").unwrap();
    assert_eq!(client.names("/a/b").unwrap(), [""; 0]);
    client.remove_directory("/a/b").unwrap();
    assert_eq!(client.names("/a").unwrap(), [""; 0]);
    client.remove_directory("/a").unwrap();
    assert_eq!(client.names("/").unwrap(), [""; 0]);
}

#[test]
fn names_that_are_no_paths_are_not_there() {
    let server = Server::start();
    let client = connect(&server);
    for name in ["", "/", "/a", "a//b", "a/", "a/.", "..", "../x", "a\0b", "x//y", "good/yes", "good/../no"] {
        store(&server, name, 1000);
    }
    server.add("fs.files", doc! { "length": 0_i64, "chunkSize": 1, "uploadDate": DateTime::from_millis(0) });
    server.add(
        "fs.files",
        doc! { "filename": 7, "length": 0_i64, "chunkSize": 1, "uploadDate": DateTime::from_millis(0) },
    );
    assert_eq!(client.names("/").unwrap(), ["good"]);
    assert_eq!(client.names("/good").unwrap(), ["yes"]);
    for path in ["/a", "/x"] {
        assert_eq!(client.stat(path).unwrap_err().code, ErrorCode::NoSuchFile, "{path}");
    }
}

#[test]
fn where_a_file_and_a_directory_have_one_name_the_directory_is_shown() {
    let server = Server::start();
    let client = connect(&server);
    for name in ["a", "a/b", "a-", "a-/c", "a!", "b"] {
        store(&server, name, 1000);
    }
    let kinds: Vec<_> =
        client.list("/").unwrap().into_iter().map(|entry| (entry.name, entry.attributes.kind)).collect();
    let expected =
        [("a", FileKind::Directory), ("a!", FileKind::Regular), ("a-", FileKind::Directory), ("b", FileKind::Regular)];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!(client.stat("/a").unwrap().kind, FileKind::Directory);
}

#[test]
fn the_newest_version_is_the_file_and_all_go_with_it() {
    let server = Server::start();
    let client = connect(&server);
    for (name, times) in [("f", [3000, 1000, 2000]), ("g", [1, 2, 9000])] {
        for time in times {
            store(&server, name, time);
        }
    }
    let times: Vec<_> = client.list("/").unwrap().into_iter().map(|entry| entry.attributes.modified.unwrap()).collect();
    assert_eq!(times, [Timestamp::from_seconds(3), Timestamp::from_seconds(9)]);
    client.rename("/f", "/g", true).unwrap();
    assert_eq!(client.stat("/g").unwrap().modified, Some(Timestamp::from_seconds(3)), "though the other one was newer");
    assert_eq!(server.documents("fs.files").len(), 3);
    client.remove("/g").unwrap();
    assert_eq!(server.documents("fs.files").len(), 0);
}

#[test]
fn a_listing_reads_no_more_than_the_directory() {
    let server = Server::start();
    let client = connect(&server);
    for directory in 0..10 {
        for file in 0..100 {
            store(&server, &format!("d{directory}/deep/f{file}"), 1000);
        }
    }
    let before = server.commands();
    assert_eq!(client.names("/").unwrap().len(), 10);
    assert!(server.commands() - before < 30, "{} commands", server.commands() - before);
}

#[test]
fn what_others_keep_of_a_file_is_kept() {
    let server = Server::start();
    let client = connect(&server);
    store(&server, "f", 1000);
    server.change(|store| drop(store.collection("fs.files")[0].insert("metadata", doc! { "camera": "old" })));
    let changes = AttributeChanges {
        permissions: Some(0o600),
        uid: Some(7),
        modified: Some(Timestamp::from_seconds(5)),
        ..AttributeChanges::NONE
    };
    client.set_stat("/f", changes).unwrap();
    let found = client.stat("/f").unwrap();
    assert_eq!(
        (found.permissions, found.uid, found.modified),
        (Some(0o600), Some(7), Some(Timestamp::from_seconds(5)))
    );
    client.put("/f", "new").unwrap();
    let found = client.stat("/f").unwrap();
    assert_eq!((found.permissions, found.uid), (Some(0o600), Some(7)));
    assert!(found.modified.unwrap().seconds > 1_000_000, "new contents are of now");
    let file = server.documents("fs.files").pop().unwrap();
    assert_eq!(file.get_document("metadata").unwrap().get_str("camera").unwrap(), "old");
}

#[test]
fn one_of_two_makes_what_must_be_new() {
    let server = Server::start();
    let (one, two) = (connect(&server), connect(&server));
    let exclusive = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let file = one.open("/f", exclusive).unwrap();
    for refused in [two.open("/f", exclusive).map(drop), two.make_directory("/f")] {
        assert_eq!(refused.unwrap_err().code, ErrorCode::AlreadyExists);
    }
    two.put("/g", "g").unwrap();
    assert_eq!(two.rename("/g", "/f", false).unwrap_err().code, ErrorCode::AlreadyExists);
    file.write(0, "one").unwrap();
    file.close().unwrap();
    assert_eq!(two.get("/f").unwrap(), b"one");
    assert_eq!(two.open("/f", exclusive).map(drop).unwrap_err().code, ErrorCode::AlreadyExists);
    assert_eq!(server.documents("fs.strongroom"), vec![]);
}

#[test]
fn a_client_sees_what_it_writes_before_others_do() {
    let server = Server::start();
    let (one, two) = (connect(&server), connect(&server));
    let file = one.open("/f", OpenFlags::WRITE | OpenFlags::CREATE).unwrap();
    file.write(0, "hello").unwrap();
    assert_eq!(one.stat("/f").unwrap().size, Some(5));
    assert_eq!(two.stat("/f").unwrap_err().code, ErrorCode::NoSuchFile);
    one.set_stat("/f", AttributeChanges { permissions: Some(0o400), ..AttributeChanges::NONE }).unwrap();
    file.close().unwrap();
    assert_eq!(two.stat("/f").unwrap().permissions, Some(0o400));
}

#[test]
fn what_is_gone_when_it_is_to_be_moved_replaces_nothing() {
    for replace in [true, false] {
        for command in ["find fs.files", "update fs.files"] {
            for is_moved in [true, false] {
                let server = Server::start();
                let client = connect(&server);
                client.put("/f", "f").unwrap();
                if replace {
                    client.put("/g", "g").unwrap();
                }
                // What is there is found out by two looks, and only then it goes.
                for _ in 0..if command == "find fs.files" { 2 } else { 0 } {
                    server.before(command, |_| {});
                }
                server.before(command, move |store| {
                    let files = store.collection("fs.files");
                    let name = |file: &bson::Document| file.get_str("filename").unwrap() == "f";
                    if is_moved {
                        files.iter_mut().filter(|file| name(file)).for_each(|file| drop(file.insert("filename", "h")));
                    } else {
                        files.retain(|file| !name(file));
                    }
                });
                let refused = client.rename("/f", "/g", replace).unwrap_err();
                assert_eq!(refused.code, ErrorCode::NoSuchFile, "{command} {replace} {is_moved}");
                assert_eq!(client.get("/g").ok(), replace.then(|| b"g".to_vec()), "{command} {replace} {is_moved}");
                assert_eq!(client.get("/h").ok(), is_moved.then(|| b"f".to_vec()), "{command} {replace} {is_moved}");
            }
        }
    }
}

#[test]
fn a_file_is_moved_over_a_newer_one_whatever_others_keep_of_it() {
    let odd = [bson::Bson::Null, 7.into(), doc! { "strongroom": 7 }.into(), doc! { "strongroom": {} }.into()];
    for metadata in odd {
        let server = Server::start();
        let client = connect(&server);
        let id = store(&server, "f", 1000);
        store(&server, "g", 9000);
        let kept = metadata.clone();
        server.change(move |store| drop(store.collection("fs.files")[0].insert("metadata", kept)));
        client.rename("/f", "/g", true).unwrap();
        let files = server.documents("fs.files");
        assert_eq!((files.len(), files[0].get_object_id("_id").unwrap()), (1, id));
        let seconds = client.stat("/g").unwrap().modified.unwrap().seconds;
        assert_eq!(seconds, if metadata == 7.into() { 9 } else { 1 }, "{metadata}");
    }
}

#[test]
fn of_versions_of_one_moment_the_newest_is_the_same_for_all() {
    let server = Server::start();
    let mut ids: Vec<_> = (0..5).map(|_| ObjectId::new()).collect();
    ids.sort();
    for (index, length) in [(3, 4_i64), (1, 2), (4, 5), (0, 1), (2, 3)] {
        let uploaded = DateTime::from_millis(1000);
        let file = doc! {
            "_id": ids[index], "length": length, "chunkSize": 1, "uploadDate": uploaded, "filename": "f",
        };
        server.add("fs.files", file);
    }
    assert_eq!(connect(&server).stat("/f").unwrap().size, Some(5));
}

const NEW: OpenFlags = OpenFlags::WRITE.union(OpenFlags::CREATE);

#[test]
fn what_is_written_is_renamed_before_it_is_published() {
    for flags in [NEW, NEW | OpenFlags::EXCLUSIVE] {
        for replace in [true, false] {
            let server = Server::start();
            let client = connect(&server);
            client.put("/old", "old").unwrap();
            let file = client.open("/f", flags).unwrap();
            file.write(0, "new").unwrap();
            let to_old = client.rename("/f", "/old", replace).map_err(|error| error.code);
            assert_eq!(to_old, if replace { Ok(()) } else { Err(ErrorCode::AlreadyExists) });
            if !replace {
                client.rename("/f", "/g", false).unwrap();
                let exclusive = client.open("/g", NEW | OpenFlags::EXCLUSIVE).map(drop);
                assert_eq!(exclusive.unwrap_err().code, ErrorCode::AlreadyExists);
            }
            assert_eq!(client.stat("/f").unwrap_err().code, ErrorCode::NoSuchFile);
            client.open("/f", NEW | OpenFlags::EXCLUSIVE).unwrap().close().unwrap();
            file.close().unwrap();
            assert_eq!(client.get(if replace { "/old" } else { "/g" }).unwrap(), b"new");
            assert_eq!(client.names("/").unwrap().len(), if replace { 2 } else { 3 });
            assert_eq!(server.documents("fs.strongroom"), vec![]);
        }
    }
}

#[test]
fn what_is_written_follows_its_directory() {
    let server = Server::start();
    let client = connect(&server);
    client.make_directory("/d").unwrap();
    client.put("/d/there", "before").unwrap();
    let new = client.open("/d/new", NEW).unwrap();
    new.write(0, "new").unwrap();
    let there = client.open("/d/there", OpenFlags::WRITE).unwrap();
    assert_eq!(client.make_directory("/d/new").unwrap_err().code, ErrorCode::AlreadyExists);
    client.rename("/d", "/e", false).unwrap();
    there.write(0, "after!").unwrap();
    there.close().unwrap();
    client.remove("/e/there").unwrap();
    assert_eq!(client.remove_directory("/e").unwrap_err().code, ErrorCode::NotEmpty);
    new.close().unwrap();
    assert_eq!(client.names("/").unwrap(), ["e"]);
    assert_eq!(client.get("/e/new").unwrap(), b"new");
    assert_eq!(server.documents("fs.files").len(), 1);
}

#[test]
fn what_is_written_and_removed_is_not_published() {
    let remove: fn(&Client<Gridfs>) -> Result<()> = |client| client.remove("/f");
    let replace: fn(&Client<Gridfs>) -> Result<()> = |client| client.rename("/g", "/f", true);
    for (change, left) in [(remove, vec!["g"]), (replace, vec!["f"])] {
        for (flags, is_there) in [(NEW, false), (NEW | OpenFlags::EXCLUSIVE, false), (NEW, true)] {
            let server = Server::start();
            let client = connect(&server);
            client.put("/g", "g").unwrap();
            if is_there {
                client.put("/f", "before").unwrap();
            }
            let file = client.open("/f", flags).unwrap();
            if !is_there {
                file.write(0, "new").unwrap();
            }
            change(&client).unwrap();
            file.write(0, "more").unwrap();
            assert_eq!(client.names("/").unwrap(), left);
            file.close().unwrap();
            assert_eq!(client.names("/").unwrap(), left);
            assert_eq!(client.get(&format!("/{}", left[0])).unwrap(), b"g");
            assert_eq!((server.documents("fs.chunks").len(), server.documents("fs.strongroom").len()), (1, 0));
            client.open("/new", NEW | OpenFlags::EXCLUSIVE).unwrap().close().unwrap();
        }
    }
}
