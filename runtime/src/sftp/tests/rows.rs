//! What clients trip on, rows 1 to 16, as far as the protocol answers for them.

use super::rig::*;
use crate::sftp::Options;
use crate::sftp::client::{self, *};
use crate::storage::{Call, Features, FileKind};

fn plain() -> Attributes {
    Attributes::default()
}

#[test]
fn row_1_version_is_3_also_to_a_client_that_says_6() {
    for said in [0, 3, 6, u32::MAX] {
        let mut rig = Rig::silent(options(), Features::all());
        rig.run();
        assert_eq!(rig.version, None);
        rig.send(&client::init(said));
        rig.run();
        assert!(matches!(rig.version, Some(Reply::Version { version: 3, .. })));
        rig.finish();
    }
}

#[test]
fn row_1_extensions_in_init_are_ignored() {
    let mut rig = Rig::silent(options(), Features::all());
    rig.send(&Packet::new(1).u32(3).string(b"some@extension").string(b"1").finish());
    rig.run();
    assert!(rig.version.is_some());
    rig.finish();
}

#[test]
fn row_2_status_has_message_and_language_tag() {
    let mut rig = Rig::new();
    let Reply::Status { message, language, .. } = rig.ask(|id| client::rmdir(id, b"/none")) else { panic!() };
    assert_eq!((message.as_str(), language.as_str()), ("No such file", ""));
    let Reply::Status { message, .. } = rig.ask(|id| client::mkdir(id, b"/d", &plain())) else { panic!() };
    assert_eq!(message, "Success");
    rig.finish();
}

#[test]
fn row_3_long_names_look_like_ls() {
    let mut rig = Rig::new();
    rig.model.put("/home/big", FileKind::Regular, b"");
    let node = rig.model.node_mut("/home/big");
    node.attributes.modified = None;
    let handle = rig.opendir("/home");
    let entries = names_of(rig.ask(|id| client::readdir(id, &handle)));
    let lines: Vec<_> = entries.iter().map(|entry| String::from_utf8_lossy(&entry.long_name)).collect();
    assert_eq!(lines[0], "drwxr-xr-x    1 1000     1000            0 Sep  9 01:46 .");
    assert_eq!(lines[1], "drwxr-xr-x    1 1000     1000            0 Sep  9 01:46 ..");
    assert_eq!(lines[2], "-rw-r--r--    1 1000     1000            0 Sep  9 01:46 big");
    rig.finish();
}

#[test]
fn row_5_symlink_has_openssh_order() {
    let mut rig = Rig::new();
    rig.status(|id| Packet::request(20, id).string(b"target").string(b"/link").finish());
    let Some(Call::Symlink { target, path }) = rig.started.last() else { panic!() };
    assert_eq!((target.as_str(), path.as_str()), ("target", "/link"));
    rig.finish();
}

#[test]
fn row_6_rename_fails_if_the_target_exists_and_posix_rename_replaces() {
    let mut rig = Rig::new();
    rig.model.put("/a", FileKind::Regular, b"a");
    rig.model.put("/b", FileKind::Regular, b"b");
    assert_eq!(rig.status(|id| client::rename(id, b"/a", b"/b")), FAILURE);
    let posix = |id| Packet::extended(id, "posix-rename@openssh.com").string(b"/a").string(b"/b").finish();
    assert_eq!(rig.status(posix), OK);
    assert_eq!(rig.model.data("/b"), b"a");
    rig.finish();
}

#[test]
fn row_7_realpath() {
    let mut rig = Rig::new();
    for (path, expected) in [("", "/home"), (".", "/home"), ("/../..", "/"), ("x", "/home/x"), ("/no", "/no")] {
        assert_eq!(single_name_of(rig.ask(|id| client::realpath(id, path.as_bytes()))), expected.as_bytes());
    }
    assert_eq!(rig.status(|id| client::realpath(id, b"/no/x")), NO_SUCH_FILE);
    rig.finish();
}

#[test]
fn row_7_the_start_directory_is_where_relative_paths_start() {
    for (start, expected) in [("/srv/x", "/srv/x"), ("sub", "/home/sub"), ("../..", "/")] {
        let mut rig = Rig::with(Options { start_directory: Some(start.into()), ..options() }, Features::all());
        let id = rig.post(|id| client::realpath(id, b"."));
        let Some(Call::RealPath { path }) = rig.started.last() else { panic!() };
        assert_eq!(path.as_str(), expected);
        rig.run();
        rig.replies.remove(&id);
        rig.finish();
    }
}

#[test]
fn row_8_an_empty_path_is_no_file() {
    let mut rig = Rig::new();
    assert_eq!(rig.status(|id| client::stat(id, b"")), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::lstat(id, b"")), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::opendir(id, b"")), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::open(id, b"", READ, &plain())), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::remove(id, b"")), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::rename(id, b"", b"/x")), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::rename(id, b"/x", b"")), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::symlink(id, b"", b"/x")), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::setstat(id, b"", &plain())), NO_SUCH_FILE);
    rig.finish();
}

#[test]
fn row_9_reads_at_the_end_of_nothing_and_of_too_much() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, &[7; 300_000]);
    let handle = rig.open("/f", READ);
    assert_eq!(rig.status(|id| client::read(id, &handle, 300_000, 10)), EOF);
    assert_eq!(rig.status(|id| client::read(id, &handle, 1 << 40, 10)), EOF);
    assert_eq!(data_of(rig.ask(|id| client::read(id, &handle, 0, 0))), b"");
    assert_eq!(data_of(rig.ask(|id| client::read(id, &handle, 1 << 40, 0))), b"");
    assert_eq!(data_of(rig.ask(|id| client::read(id, &handle, 0, u32::MAX))).len(), 261_120);
    assert_eq!(data_of(rig.ask(|id| client::read(id, &handle, 299_990, 100))).len(), 10);
    rig.finish();
}

#[test]
fn row_10_data_never_makes_a_client_give_up() {
    let mut large = options();
    large.limits.max_read_bytes = 10 << 20;
    let mut rig = Rig::with(large, Features::all());
    rig.model.put("/f", FileKind::Regular, &[7; 1 << 20]);
    let handle = rig.open("/f", READ);
    assert_eq!(data_of(rig.ask(|id| client::read(id, &handle, 0, 1 << 20))).len(), 262_135);
    rig.finish();
}

#[test]
fn row_11_readdir_in_batches_and_eof_again_and_again() {
    let mut rig = Rig::new();
    for number in 0..250 {
        rig.model.put(&format!("/home/f{number}"), FileKind::Regular, b"");
    }
    let handle = rig.opendir("/home");
    let mut seen = Vec::new();
    let mut batches = Vec::new();
    loop {
        match rig.ask(|id| client::readdir(id, &handle)) {
            Reply::Names(entries) => {
                batches.push(entries.len());
                seen.extend(entries.into_iter().map(|entry| entry.name));
            }
            reply => break assert_eq!(status_of(&reply), EOF),
        }
    }
    assert_eq!(batches, [100, 100, 52]);
    assert_eq!((&seen[0][..], &seen[1][..], seen.len()), (&b"."[..], &b".."[..], 252));
    let calls = rig.started.len();
    assert_eq!(rig.status(|id| client::readdir(id, &handle)), EOF);
    assert_eq!(rig.status(|id| client::readdir(id, &handle)), EOF);
    assert_eq!(rig.started.len(), calls);
    rig.finish();
}

#[test]
fn row_11_an_empty_directory_has_its_dots() {
    let mut rig = Rig::new();
    let handle = rig.opendir("/home");
    assert_eq!(names_of(rig.ask(|id| client::readdir(id, &handle))).len(), 2);
    assert_eq!(rig.status(|id| client::readdir(id, &handle)), EOF);
    rig.finish();
}

#[test]
fn row_11_dots_have_the_attributes_of_the_directories() {
    let mut rig = Rig::new();
    rig.model.node_mut("/home").attributes.permissions = Some(0o700);
    rig.model.node_mut("/").attributes.permissions = Some(0o711);
    for (path, own, parent) in [("/home", 0o040_700, 0o040_711), ("/", 0o040_711, 0o040_711)] {
        let handle = rig.opendir(path);
        let entries = names_of(rig.ask(|id| client::readdir(id, &handle)));
        assert_eq!(entries[0].attributes.permissions, Some(own));
        assert_eq!(entries[1].attributes.permissions, Some(parent));
    }
    rig.finish();
}

#[test]
fn row_12_handles_of_the_wrong_kind() {
    let mut rig = Rig::new();
    let directory = rig.opendir("/");
    let file = rig.open("/f", READ | WRITE | CREATE);
    assert_eq!(rig.status(|id| client::fstat(id, &directory)), FAILURE);
    assert_eq!(rig.status(|id| client::read(id, &directory, 0, 10)), FAILURE);
    assert_eq!(rig.status(|id| client::write(id, &directory, 0, b"x")), FAILURE);
    assert_eq!(rig.status(|id| client::fsetstat(id, &directory, &plain())), FAILURE);
    assert_eq!(rig.status(|id| client::readdir(id, &file)), FAILURE);
    assert_eq!(attributes_of(rig.ask(|id| client::fstat(id, &file))).size, Some(0));
    rig.finish();
}

#[test]
fn row_13_append_ignores_offsets_and_trunc_needs_no_creat() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"abc");
    let handle = rig.open("/f", WRITE | APPEND);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"d")), OK);
    assert_eq!(rig.model.data("/f"), b"abcd");
    rig.open("/f", WRITE | TRUNCATE);
    assert_eq!(rig.model.data("/f"), b"");
    rig.finish();
}

#[test]
fn row_14_open_without_flags_reads_and_a_directory_is_a_failure() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"abc");
    let handle = rig.open("/f", 0);
    assert_eq!(data_of(rig.ask(|id| client::read(id, &handle, 0, 10))), b"abc");
    assert_eq!(rig.status(|id| client::open(id, b"/home", READ, &plain())), FAILURE);
    rig.finish();
}

#[test]
fn row_15_permissions_of_new_files() {
    for (asked, expected) in [(None, 0o644), (Some(0o100_777), 0o755), (Some(0o7777), 0o7755), (Some(0), 0)] {
        let mut rig = Rig::new();
        let attributes = Attributes { permissions: asked, ..plain() };
        rig.ask(|id| client::open(id, b"/f", WRITE | CREATE, &attributes));
        assert_eq!(rig.stat("/f").permissions, Some(0o100_000 | expected));
        rig.finish();
    }
}

#[test]
fn row_16_what_is_a_failure_and_what_is_not_there() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"");
    rig.model.put("/home/x", FileKind::Regular, b"");
    assert_eq!(rig.status(|id| client::open(id, b"/f", WRITE | CREATE | EXCLUSIVE, &plain())), FAILURE);
    assert_eq!(rig.status(|id| client::mkdir(id, b"/home", &plain())), FAILURE);
    assert_eq!(rig.status(|id| client::rmdir(id, b"/home")), FAILURE);
    assert_eq!(rig.status(|id| client::remove(id, b"/home")), FAILURE);
    assert_eq!(rig.status(|id| client::rmdir(id, b"/f")), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::opendir(id, b"/f")), NO_SUCH_FILE);
    rig.finish();
}
