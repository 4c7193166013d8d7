//! draft-ietf-secsh-filexfer-02, section by section: each packet and each flag.

use super::rig::*;
use crate::sftp::client::{self, *};
use crate::storage::{Call, FileKind, OpenFlags};

fn permissions(mode: u32) -> Attributes {
    Attributes { permissions: Some(mode), ..Attributes::default() }
}

#[test]
fn section_4_init_and_version() {
    let rig = Rig::new();
    assert!(matches!(rig.version, Some(Reply::Version { version: 3, .. })));
    assert!(rig.session.has_seen_init());
    rig.finish();
}

#[test]
fn section_5_attributes_there_and_back() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"0123456789");
    let sent = Attributes {
        size: Some(4),
        owner: Some((7, 8)),
        permissions: Some(0o600),
        times: Some((11, 12)),
        extended: vec![(b"a@b".to_vec(), b"\xff\0".to_vec())],
    };
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &sent)), OK);
    assert_eq!(rig.stat("/f"), Attributes { permissions: Some(0o100_600), ..sent });
    rig.finish();
}

#[test]
fn section_5_extended_attributes_have_bytes_for_names() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"");
    let extended = vec![(b"\xff@b".to_vec(), vec![1])];
    let sent = Attributes { extended: extended.clone(), ..Attributes::default() };
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &sent)), OK);
    assert_eq!(rig.stat("/f").extended, extended);
    rig.finish();
}

#[test]
fn section_6_3_open_flags_reach_the_storage() {
    for (sent, expected) in [
        (READ, OpenFlags::READ),
        (WRITE | CREATE | TRUNCATE, OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE),
        (READ | WRITE, OpenFlags::READ | OpenFlags::WRITE),
        (WRITE | APPEND, OpenFlags::WRITE | OpenFlags::APPEND),
        (READ | APPEND, OpenFlags::READ),
        (READ | EXCLUSIVE, OpenFlags::READ),
        (READ | TRUNCATE, OpenFlags::READ | OpenFlags::WRITE | OpenFlags::TRUNCATE),
        (READ | CREATE, OpenFlags::READ | OpenFlags::CREATE),
    ] {
        let mut rig = Rig::new();
        rig.model.put("/f", FileKind::Regular, b"abc");
        rig.open("/f", sent);
        let Some(Call::Open { flags, .. }) = rig.started.last() else { panic!("no open") };
        assert_eq!(*flags, expected, "flags {sent}");
        rig.finish();
    }
}

#[test]
fn section_6_3_exclusive_creation() {
    let mut rig = Rig::new();
    rig.open("/f", WRITE | CREATE | EXCLUSIVE);
    let again = |id| client::open(id, b"/f", WRITE | CREATE | EXCLUSIVE, &Attributes::default());
    assert_eq!(rig.status(again), FAILURE);
    rig.finish();
}

#[test]
fn section_6_3_close() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    assert_eq!(rig.status(|id| client::close(id, &handle)), OK);
    assert_eq!(rig.model.closed, [crate::storage::Ending::Commit]);
    rig.finish();
}

#[test]
fn section_6_4_read_and_write() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", READ | WRITE | CREATE);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"hello world")), OK);
    assert_eq!(rig.status(|id| client::write(id, &handle, 6, b"there")), OK);
    assert_eq!(data_of(rig.ask(|id| client::read(id, &handle, 0, 100))), b"hello there");
    assert_eq!(data_of(rig.ask(|id| client::read(id, &handle, 4, 3))), b"o t");
    assert_eq!(rig.status(|id| client::write(id, &handle, 20, b"")), OK);
    rig.finish();
}

#[test]
fn section_6_5_remove_and_rename() {
    let mut rig = Rig::new();
    rig.model.put("/a", FileKind::Regular, b"1");
    assert_eq!(rig.status(|id| client::rename(id, b"/a", b"/b")), OK);
    assert_eq!(rig.model.data("/b"), b"1");
    assert_eq!(rig.status(|id| client::remove(id, b"/b")), OK);
    assert_eq!(rig.status(|id| client::remove(id, b"/b")), NO_SUCH_FILE);
    rig.finish();
}

#[test]
fn section_6_6_mkdir_and_rmdir() {
    let mut rig = Rig::new();
    assert_eq!(rig.status(|id| client::mkdir(id, b"/d", &permissions(0o777))), OK);
    assert_eq!(rig.stat("/d").permissions, Some(0o040_755));
    assert_eq!(rig.status(|id| client::mkdir(id, b"/e", &Attributes::default())), OK);
    assert_eq!(rig.stat("/e").permissions, Some(0o040_755));
    assert_eq!(rig.status(|id| client::rmdir(id, b"/d")), OK);
    assert_eq!(rig.status(|id| client::rmdir(id, b"/d")), NO_SUCH_FILE);
    rig.finish();
}

#[test]
fn section_6_7_opendir_and_readdir() {
    let mut rig = Rig::new();
    rig.model.put("/d", FileKind::Directory, b"");
    rig.model.put("/d/f", FileKind::Regular, b"12345");
    let handle = rig.opendir("/d");
    let entries = names_of(rig.ask(|id| client::readdir(id, &handle)));
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_slice()).collect();
    assert_eq!(names, [&b"."[..], b"..", b"f"]);
    assert_eq!(entries[2].attributes.size, Some(5));
    assert_eq!(entries[2].long_name, b"-rw-r--r--    1 1000     1000            5 Sep  9 01:46 f");
    assert_eq!(rig.status(|id| client::readdir(id, &handle)), EOF);
    assert_eq!(rig.status(|id| client::close(id, &handle)), OK);
    rig.finish();
}

#[test]
fn section_6_8_stat_lstat_fstat() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"123");
    rig.model.put_link("/l", "f");
    assert_eq!(rig.stat("/l").size, Some(3));
    let link = attributes_of(rig.ask(|id| client::lstat(id, b"/l")));
    assert_eq!(link.permissions.unwrap() & 0o170_000, 0o120_000);
    let handle = rig.open("/f", READ);
    let found = attributes_of(rig.ask(|id| client::fstat(id, &handle)));
    assert_eq!(found, rig.stat("/f"));
    rig.finish();
}

#[test]
fn section_6_9_setstat_and_fsetstat() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"123456");
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &permissions(0o4711))), OK);
    let handle = rig.open("/f", WRITE);
    assert_eq!(rig.status(|id| client::rename(id, b"/f", b"/g")), OK);
    let size = Attributes { size: Some(2), ..Attributes::default() };
    assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &size)), OK);
    let found = rig.stat("/g");
    assert_eq!((found.size, found.permissions), (Some(2), Some(0o104_711)));
    rig.finish();
}

#[test]
fn section_6_10_readlink_and_symlink() {
    let mut rig = Rig::new();
    assert_eq!(rig.status(|id| client::symlink(id, b"../x y/\xff", b"/l")), OK);
    assert_eq!(single_name_of(rig.ask(|id| client::readlink(id, b"/l"))), b"../x y/\xff");
    rig.model.put("/f", FileKind::Regular, b"");
    assert_eq!(rig.status(|id| client::readlink(id, b"/f")), BAD_MESSAGE);
    rig.finish();
}

#[test]
fn section_6_11_realpath() {
    let mut rig = Rig::new();
    assert_eq!(single_name_of(rig.ask(|id| client::realpath(id, b"../a/./b/.."))), b"/a");
    rig.finish();
}

#[test]
fn section_7_every_status_has_a_message_and_a_language() {
    let mut rig = Rig::new();
    let reply = rig.ask(|id| client::stat(id, b"/nothing"));
    let expected = Reply::Status { code: NO_SUCH_FILE, message: "No such file".into(), language: String::new() };
    assert_eq!(reply, expected);
    rig.finish();
}

#[test]
fn section_8_extended() {
    let mut rig = Rig::new();
    assert_eq!(rig.status(|id| Packet::extended(id, "nobody@example.org").string(b"x").finish()), OP_UNSUPPORTED);
    assert_eq!(rig.status(|id| Packet::request(200, id).finish()), BAD_MESSAGE);
    rig.finish();
}

#[test]
fn requests_in_one_piece_and_replies_by_id() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"123");
    let ids: Vec<u32> = (0..20).map(|_| rig.id()).collect();
    let bytes: Vec<u8> = ids.iter().flat_map(|id| client::stat(*id, b"/f")).collect();
    rig.send(&bytes);
    rig.start().unwrap();
    assert_eq!(rig.in_flight.len(), 20);
    rig.run_shuffled(&mut Dice::new(1));
    assert!(ids.iter().all(|id| matches!(rig.replies[id], Reply::Attributes(_))));
    rig.finish();
}

#[test]
fn bytes_after_the_last_field_are_ignored() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", READ | WRITE | CREATE);
    let packet = |id| Packet::request(6, id).string(&handle).u64(0).string(b"data").raw(b"trailing").finish();
    assert_eq!(rig.status(packet), OK);
    assert_eq!(rig.model.data("/f"), b"data");
    rig.finish();
}
