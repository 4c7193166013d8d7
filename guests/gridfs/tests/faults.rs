//! A server that goes away at any moment, one that sends what it must not, and what those who were cut off leave behind.

mod server;

use bson::{DateTime, doc};
use server::{Server, message};
use strongroom_gridfs::Gridfs;
use strongroom_guest::testing::Client;
use strongroom_guest::{ErrorCode, OpenFlags, Result};

fn connect(server: &Server) -> Result<Client<Gridfs>> {
    Client::connect(&[("address", &server.address()), ("database", "test"), ("chunk-size", "1024")])
}

/// Does something with a connection that ends at each of its commands in turn, until it needs no more of them.
fn at_every_command(
    prepare: impl Fn(&Client<Gridfs>),
    step: impl Fn(&Client<Gridfs>),
    check: impl Fn(&Client<Gridfs>, &Server),
) {
    for cut in 1.. {
        let server = Server::start();
        let client = connect(&server).unwrap();
        prepare(&client);
        let before = server.commands();
        server.cut_after(cut);
        step(&client);
        let needed = server.commands() - before;
        server.behave();
        check(&client, &server);
        if cut > needed {
            assert!(needed > 1, "nothing was asked of the server");
            return;
        }
    }
}

#[test]
fn an_upload_survives_the_loss_of_a_connection() {
    at_every_command(
        |client| client.put("/f", "before").unwrap(),
        |client| client.put("/f", [7; 5500]).unwrap(),
        |client, server| {
            assert_eq!(client.get("/f").unwrap(), [7; 5500]);
            assert_eq!(server.documents("fs.files").len(), 1);
            assert_eq!(server.documents("fs.chunks").len(), 6);
            assert_eq!(server.documents("fs.strongroom"), vec![]);
        },
    );
}

#[test]
fn so_does_a_download() {
    at_every_command(
        |client| client.put("/f", [7; 5500]).unwrap(),
        |client| assert_eq!(client.get("/f").unwrap(), [7; 5500]),
        |_, _| {},
    );
}

#[test]
fn so_do_changes_of_names() {
    at_every_command(
        |client| {
            client.put("/f", "f").unwrap();
            client.put("/g", "g").unwrap();
        },
        |client| {
            client.make_directory("/d").unwrap();
            client.rename("/f", "/d/f", false).unwrap();
            client.rename("/d", "/e", false).unwrap();
            client.rename("/g", "/e/f", true).unwrap();
            let exclusive = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
            client.open("/new", exclusive).unwrap().close().unwrap();
            client.remove("/new").unwrap();
        },
        |client, server| {
            assert_eq!(client.names("/").unwrap(), ["e"]);
            assert_eq!(client.names("/e").unwrap(), ["f"]);
            assert_eq!(client.get("/e/f").unwrap(), b"g");
            assert_eq!(server.documents("fs.chunks").len(), 1);
        },
    );
}

#[test]
fn an_upload_that_was_cut_off_is_cleaned_up_when_it_is_old() {
    let server = Server::start();
    let client = connect(&server).unwrap();
    client.put("/f", "before").unwrap();
    let file = client.open("/f", OpenFlags::WRITE | OpenFlags::TRUNCATE).unwrap();
    file.write(0, [7; 5500]).unwrap();
    file.sync().unwrap();
    // As when the host is killed.
    std::mem::forget(file);
    let other = connect(&server).unwrap();
    assert_eq!(other.get("/f").unwrap(), b"before");
    assert_eq!(server.documents("fs.chunks").len(), 7, "it might still be alive");

    let old = DateTime::from_millis(DateTime::now().timestamp_millis() - 86_400_000 - 60_000);
    server.change(|store| drop(store.collection("fs.strongroom")[0].insert("renewed", old)));
    let third = connect(&server).unwrap();
    assert_eq!(server.documents("fs.chunks").len(), 1);
    assert_eq!(server.documents("fs.strongroom"), vec![]);
    assert_eq!(third.get("/f").unwrap(), b"before");
}

#[test]
fn an_upload_that_was_given_up_by_others_is_not_published() {
    let server = Server::start();
    let client = connect(&server).unwrap();
    let file = client.open("/f", OpenFlags::WRITE | OpenFlags::CREATE).unwrap();
    file.write(0, [7; 5500]).unwrap();
    file.sync().unwrap();
    let old = DateTime::from_millis(0);
    server.change(|store| drop(store.collection("fs.strongroom")[0].insert("renewed", old)));
    connect(&server).unwrap();
    assert_eq!(file.close().unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(client.stat("/f").unwrap_err().code, ErrorCode::NoSuchFile);
    assert_eq!(server.documents("fs.chunks"), vec![]);
}

#[test]
fn an_upload_that_is_given_up_while_it_is_published_is_not_there() {
    let is_upload = |record: &bson::Document| record.get_str("kind").is_ok_and(|kind| kind == "upload");
    for is_finished in [true, false] {
        for is_new in [true, false] {
            let server = Server::start();
            let client = connect(&server).unwrap();
            if !is_new {
                client.put("/f", "old").unwrap();
            }
            let file = client.open("/f", OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE).unwrap();
            file.write(0, [7; 5500]).unwrap();
            server.before("insert fs.files", move |store| {
                for record in store.collection("fs.strongroom").iter_mut().filter(|record| is_upload(record)) {
                    record.insert("kind", "given-up");
                }
                if is_finished {
                    store.collection("fs.strongroom").clear();
                    store.collection("fs.chunks").retain(|chunk| chunk.get_binary_generic("data").unwrap().len() == 3);
                }
            });
            assert_eq!(file.close().unwrap_err().code, ErrorCode::Conflict);
            assert_eq!(client.get("/f").ok(), (!is_new).then(|| b"old".to_vec()));
            assert_eq!(server.documents("fs.files").len(), usize::from(!is_new));
            assert_eq!(server.documents("fs.chunks").len(), usize::from(!is_new));
            assert_eq!(server.documents("fs.strongroom"), vec![]);
        }
    }
}

#[test]
fn an_upload_that_another_host_replaces_at_once_was_published() {
    for is_finished in [true, false] {
        let server = Server::start();
        let client = connect(&server).unwrap();
        let file = client.open("/f", OpenFlags::WRITE | OpenFlags::CREATE).unwrap();
        file.write(0, [7; 500]).unwrap();
        server.before("update fs.strongroom", |_| {});
        server.before("update fs.strongroom", move |store| {
            if is_finished {
                store.collection("fs.files").clear();
                store.collection("fs.chunks").clear();
                store.collection("fs.strongroom").clear();
            } else {
                store.collection("fs.strongroom")[0].insert("kind", "removal");
            }
        });
        file.close().unwrap();
        assert_eq!(server.documents("fs.strongroom").len(), usize::from(!is_finished), "the record is the other's");
    }
}

#[test]
fn where_an_owner_wants_each_name_once_nothing_is_lost() {
    let server = Server::start();
    let client = connect(&server).unwrap();
    server.change(|store| store.make_unique("fs.files", "filename"));
    client.put("/f", "old").unwrap();
    assert_eq!(client.put("/f", [7; 5500]).unwrap_err().code, ErrorCode::Conflict);
    assert_eq!(client.get("/f").unwrap(), b"old");
    assert_eq!(server.documents("fs.chunks").len(), 1);
    assert_eq!(server.documents("fs.strongroom"), vec![]);
}

#[test]
fn what_another_host_wrote_meanwhile_is_not_lost_to_a_change_in_the_middle() {
    let server = Server::start();
    let (one, two) = (connect(&server).unwrap(), connect(&server).unwrap());
    one.put("/f", "before").unwrap();
    for flags in [OpenFlags::WRITE, OpenFlags::WRITE | OpenFlags::APPEND] {
        let file = one.open("/f", flags).unwrap();
        file.write(0, "one").unwrap();
        two.put("/f", "two").unwrap();
        assert_eq!(file.close().unwrap_err().code, ErrorCode::Conflict);
        assert_eq!(one.get("/f").unwrap(), b"two");
    }
    let file = one.open("/f", OpenFlags::WRITE | OpenFlags::TRUNCATE).unwrap();
    two.put("/f", "two").unwrap();
    file.close().unwrap();
    assert_eq!(one.get("/f").unwrap(), b"");
    assert_eq!(server.documents("fs.strongroom"), vec![]);
}

#[test]
fn a_removal_that_was_cut_off_is_finished() {
    let server = Server::start();
    let client = connect(&server).unwrap();
    client.put("/f", [7; 5500]).unwrap();
    let id = server.documents("fs.files")[0].get_object_id("_id").unwrap();
    server.change(|store| store.collection("fs.files").clear());
    let record = doc! { "_id": { "file": id }, "kind": "removal", "renewed": DateTime::from_millis(0) };
    server.add("fs.strongroom", record);
    connect(&server).unwrap();
    assert_eq!(server.documents("fs.chunks"), vec![]);
    assert_eq!(server.documents("fs.strongroom"), vec![]);
}

#[test]
fn what_another_host_renames_meanwhile_is_not_destroyed() {
    let replace: fn(&Client<Gridfs>) = |client| client.put("/f", "new").unwrap();
    let remove: fn(&Client<Gridfs>) = |client| client.remove("/f").unwrap();
    let move_over: fn(&Client<Gridfs>) = |client| client.rename("/g", "/f", true).unwrap();
    for (what, destroy) in [("replaced", replace), ("removed", remove), ("moved over", move_over)] {
        for is_read in [false, true] {
            let server = Server::start();
            let client = connect(&server).unwrap();
            client.put("/f", [7; 5500]).unwrap();
            client.put("/g", "g").unwrap();
            let reader = is_read.then(|| client.open("/f", OpenFlags::READ).unwrap());
            server.before("delete fs.files", |store| {
                let file = store.collection("fs.files").iter_mut().find(|file| file.get_i64("length").unwrap() == 5500);
                file.unwrap().insert("filename", "h");
            });
            destroy(&client);
            reader.map(|reader| reader.close().unwrap());
            assert_eq!(client.get("/h").unwrap(), [7; 5500], "{what}");
            assert_eq!(server.documents("fs.strongroom"), vec![], "{what}");
        }
    }
}

#[test]
fn a_file_that_lies_of_its_length_is_removed_in_few_steps() {
    let server = Server::start();
    let client = connect(&server).unwrap();
    let file = doc! { "_id": 1, "length": 1_i64 << 53, "chunkSize": 1, "uploadDate": DateTime::now(), "filename": "f" };
    server.add("fs.files", file);
    server.change(|store| {
        let numbers = (0..5000).chain([1 << 40, 1 << 53]);
        store.collection("fs.chunks").extend(numbers.map(|n: i64| doc! { "files_id": 1, "n": n }));
    });
    let before = server.commands();
    client.remove("/f").unwrap();
    assert!(server.commands() - before < 25, "{} commands", server.commands() - before);
    assert_eq!(server.documents("fs.chunks"), vec![]);
    assert_eq!(server.documents("fs.strongroom"), vec![]);
}

#[test]
fn a_server_that_breaks_the_protocol_is_told_of_and_harms_nothing() {
    let good = message(&2_i32.to_le_bytes(), &doc! { "ok": 1.0, "cursor": { "firstBatch": [] } });
    let with = |at: usize, bytes: &[u8]| {
        let mut message = good.clone();
        message[at..at + bytes.len()].copy_from_slice(bytes);
        message
    };
    for (what, bytes) in [
        ("the longest length there is", with(0, &i32::MAX.to_le_bytes())),
        ("a negative length", with(0, &(-1_i32).to_le_bytes())),
        ("a length of nothing", with(0, &[0; 4])),
        ("another kind of message", with(12, &1_i32.to_le_bytes())),
        ("an answer to another request", with(8, &77_i32.to_le_bytes())),
        ("flags that nobody knows", with(16, &[4, 0, 0, 0])),
        ("more to come", with(16, &[2, 0, 0, 0])),
        ("a section of another kind", with(20, &[9])),
        ("a document that is longer than its message", with(21, &1000_i32.to_le_bytes())),
        ("a document of a negative length", with(21, &(-5_i32).to_le_bytes())),
    ] {
        let server = Server::start();
        let client = connect(&server).unwrap();
        server.answer_next_by(bytes);
        let error = client.stat("/f").unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::Failure, ""), "{what}: {error:?}");
        assert_eq!(client.stat("/f").unwrap_err().code, ErrorCode::NoSuchFile, "{what}: on another connection");
    }
}

#[test]
fn no_server_is_told_without_its_name() {
    let error = Client::<Gridfs>::connect(&[("address", "127.0.0.1:1"), ("database", "test")]).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::Unavailable, ""));
    assert!(error.detail.unwrap().contains("no connection"));
}
