//! Files and names from their opening to their end.

use super::model::Model;
use super::rig::*;
use crate::sftp::client::{self, *};
use crate::storage::{Call, Ending, ErrorCode, Features, FileKind, OpenFlags};

fn plain() -> Attributes {
    Attributes::default()
}

#[test]
fn names_that_are_not_utf8_come_back_byte_for_byte() {
    let mut rig = Rig::new();
    let name = b"/home/\xff\xfe caf\xe9 \xee\xbf\xa9";
    rig.ask(|id| client::open(id, name, WRITE | CREATE, &plain()));
    let handle = rig.opendir("/home");
    let entries = names_of(rig.ask(|id| client::readdir(id, &handle)));
    assert_eq!(entries[2].name, &name[6..]);
    assert!(entries[2].long_name.ends_with(&name[6..]));
    rig.finish();
}

#[test]
fn a_failed_write_ends_in_discard() {
    let mut rig = Rig::with(options(), Features::all() - Features::ATOMIC_UPLOAD);
    let handle = rig.open("/f", WRITE | CREATE);
    rig.model.failures.push_back(ErrorCode::NoSpace.into());
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"x")), FAILURE);
    assert_eq!(rig.status(|id| client::write(id, &handle, 1, b"y")), OK);
    assert_eq!(rig.status(|id| client::close(id, &handle)), OK);
    assert_eq!(rig.model.closed, [Ending::Discard]);
    rig.finish();
}

#[test]
fn a_discarded_upload_is_not_told_as_a_success() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    rig.model.failures.push_back(ErrorCode::NoSpace.into());
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"x")), FAILURE);
    assert_eq!(rig.status(|id| client::close(id, &handle)), FAILURE);
    assert_eq!(rig.model.closed, [Ending::Discard]);
    rig.finish();
}

#[test]
fn a_failed_sync_spoils_the_file_and_one_that_is_unsupported_does_not() {
    for (code, ending) in [(ErrorCode::Failure, Ending::Discard), (ErrorCode::Unsupported, Ending::Commit)] {
        let mut rig = Rig::new();
        let handle = rig.open("/f", WRITE | CREATE);
        rig.model.failures.push_back(code.into());
        rig.status(|id| Packet::extended(id, "fsync@openssh.com").string(&handle).finish());
        rig.status(|id| client::close(id, &handle));
        assert_eq!(rig.model.closed, [ending]);
        rig.finish();
    }
}

#[test]
fn a_storage_that_leaves_everything_out_still_makes_sense() {
    let mut rig = Rig::new();
    rig.model = Model::new();
    rig.model.node_mut("/").attributes.permissions = None;
    rig.post(|id| client::stat(id, b"/"));
    let found = crate::storage::Attributes { kind: FileKind::Directory, ..Default::default() };
    rig.answer_with(0, Ok(crate::storage::Answer::Attributes(found)));
    rig.start().unwrap();
    let reply = rig.replies.pop_last().unwrap().1;
    let expected = Attributes { permissions: Some(0o040_755), times: Some((0, 0)), ..plain() };
    assert_eq!(attributes_of(reply), expected);
    rig.finish();
}

#[test]
fn open_flags_never_reach_the_storage_in_combinations_that_it_need_not_know() {
    for sent in 0..64 {
        let mut rig = Rig::new();
        rig.model.put("/f", FileKind::Regular, b"abc");
        rig.ask(|id| client::open(id, b"/f", sent, &plain()));
        let Some(Call::Open { flags, .. }) = rig.started.last() else { panic!() };
        let write = flags.contains(OpenFlags::WRITE);
        assert!(write || !flags.intersects(OpenFlags::APPEND | OpenFlags::TRUNCATE));
        assert!(flags.contains(OpenFlags::CREATE) || !flags.contains(OpenFlags::EXCLUSIVE));
        rig.finish();
    }
}
