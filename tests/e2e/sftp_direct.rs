//! OpenSSH's own client, talking to the server that it starts by itself: `sftp -D "strongroom jail DIR"`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use strongroom_tests::tools::{sftp_batch, sftp_direct};
use strongroom_tests::{Outcome, Place, Program, strongroom, tree};

fn servers(place: &Place) -> [Program; 3] {
    let jail = place.directory("jail");
    [
        strongroom!(place, "jail", &jail, "-u", "022"),
        strongroom!(place, "jail", place.directory("jail2"), "-u", "022", "--set", "native=no"),
        strongroom!(place, "memory", "-u", "022"),
    ]
}

#[track_caller]
fn assert_done(outcome: &Outcome) {
    assert!(outcome.status.success(), "{}: {}", outcome.status, outcome.all());
}

#[test]
fn files_go_there_and_back() {
    let place = Place::new();
    for (index, server) in servers(&place).iter().enumerate() {
        let local = place.directory(format!("local-{index}"));
        fs::write(local.join("small"), "hello, world\n").unwrap();
        tree::write_noise(&local.join("large"), 9_000_001, 3);
        fs::write(local.join("empty"), "").unwrap();
        fs::set_permissions(local.join("small"), fs::Permissions::from_mode(0o604)).unwrap();
        let batch = "put -p small\nput large\nput empty\nmkdir sub\nput small sub/with\\ space\n\
                     get -p small small.back\nget large large.back\nget empty empty.back\n\
                     get \"sub/with space\" space.back\nls -l\nls -la sub\n";
        let outcome = sftp_batch(&place, server, &local, batch);
        assert_done(&outcome);
        for name in ["small", "large", "empty"] {
            tree::assert_same_file(&local.join(name), &local.join(format!("{name}.back")));
        }
        tree::assert_same_file(&local.join("small"), &local.join("space.back"));
        let (there, back) =
            (fs::metadata(local.join("small")).unwrap(), fs::metadata(local.join("small.back")).unwrap());
        assert_eq!((there.mode(), there.mtime()), (back.mode(), back.mtime()), "with -p");
        let text = outcome.text();
        assert!(text.contains("-rw----r--"), "{text}");
        assert!(text.contains(" 9000001 "), "{text}");
        assert!(text.contains("drwxr-xr-x"), "{text}");
    }
}

#[test]
fn every_command_of_the_client_works() {
    let place = Place::new();
    for (index, server) in servers(&place).iter().enumerate() {
        let local = place.directory(format!("local-{index}"));
        fs::write(local.join("file"), "contents").unwrap();
        let batch = "pwd\nmkdir one\ncd one\nput file\nrename file renamed\nchmod 600 renamed\nls -l renamed\n\
                     symlink renamed soft\nln renamed hard\nls -1\nget soft through-soft\nrm hard\nrm soft\n\
                     df\nmkdir two\nrmdir two\nrename renamed ../moved\ncd ..\nrmdir one\nls -1\n-rm missing\n\
                     chmod 644 moved\nls -ln moved\nrm moved\n";
        let outcome = sftp_batch(&place, server, &local, batch);
        assert_done(&outcome);
        let text = outcome.text();
        for words in
            ["Remote working directory: /", "-rw-------", "hard", "renamed", "soft", "Avail", "moved", "-rw-r--r--"]
        {
            assert!(text.contains(words), "{words:?} is not in\n{text}\n{}", outcome.stderr);
        }
        assert_eq!(fs::read(local.join("through-soft")).unwrap(), b"contents");
    }
}

#[test]
fn wrong_commands_fail_in_openssh_words() {
    let place = Place::new();
    for server in servers(&place) {
        let local = place.directory("local");
        fs::write(local.join("file"), "contents").unwrap();
        for (batch, words) in [
            ("get missing\n", "not found"),
            ("mkdir a\nmkdir a\n", "Failure"),
            ("mkdir b\nput file b/file\nrmdir b\n", "Failure"),
            ("rm missing\n", "No such file"),
            ("cd missing\n", "No such file"),
            ("rename missing other\n", "No such file"),
        ] {
            let outcome = sftp_batch(&place, &server, &local, batch);
            assert_eq!(outcome.code(), Some(1), "{batch}: {}", outcome.all());
            assert!(outcome.stderr.contains(words), "{batch}: {}", outcome.stderr);
        }
    }
}

#[test]
fn a_transfer_that_broke_off_is_resumed() {
    let place = Place::new();
    let local = place.directory("local");
    tree::write_noise(&local.join("whole"), 3_000_000, 5);
    let whole = fs::read(local.join("whole")).unwrap();
    let [server, ..] = servers(&place);
    fs::write(place.path("jail/whole"), &whole[..1_234_567]).unwrap();
    assert_done(&sftp_batch(&place, &server, &local, "reput whole\n"));
    tree::assert_same_file(&local.join("whole"), &place.path("jail/whole"));
    fs::write(local.join("half"), &whole[..777_777]).unwrap();
    assert_done(&sftp_batch(&place, &server, &local, "reget whole half\n"));
    tree::assert_same_file(&local.join("whole"), &local.join("half"));
}

#[test]
fn a_tree_goes_there_and_back() {
    let place = Place::new();
    let local = place.directory("local");
    tree::write_tree(&local.join("tree"), 300);
    for server in servers(&place) {
        let batch = "put -Rp tree\nget -Rp tree back\n";
        assert_done(&sftp_batch(&place, &server, &local, batch));
        tree::assert_same_tree(&local.join("tree"), &local.join("back"));
        fs::remove_dir_all(local.join("back")).unwrap();
    }
}

#[test]
fn requests_in_flight_may_be_many_and_odd() {
    let place = Place::new();
    let local = place.directory("local");
    tree::write_noise(&local.join("file"), 5_000_000, 11);
    for server in servers(&place) {
        for arguments in [["-B", "1000", "-R", "256"], ["-B", "65537", "-R", "1"], ["-B", "261120", "-R", "64"]] {
            let client = sftp_direct(&place, &server).args(arguments).in_directory(&local);
            assert_done(&client.input("put file\nget file back\n").run());
            tree::assert_same_file(&local.join("file"), &local.join("back"));
        }
    }
}

#[test]
fn what_the_jail_holds_is_what_the_client_put() {
    let place = Place::new();
    let local = place.directory("local");
    tree::write_tree(&local.join("tree"), 100);
    let [server, ..] = servers(&place);
    assert_done(&sftp_batch(&place, &server, &local, "put -Rp tree\n"));
    tree::assert_same_tree(&local.join("tree"), Path::new(&place.path("jail/tree")));
}
