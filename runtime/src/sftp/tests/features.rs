//! What the host refuses by itself because the storage cannot do it.

use super::rig::*;
use crate::sftp::client::{self, *};
use crate::storage::{Call, Features, FileKind, OpenFlags};

fn plain() -> Attributes {
    Attributes::default()
}

#[test]
fn section_5_extended_attributes_that_a_storage_does_not_keep_are_ignored() {
    let mut rig = Rig::with(options(), Features::RANDOM_WRITE);
    rig.model.put("/f", FileKind::Regular, b"");
    let extended = Attributes { extended: vec![(b"a@b".to_vec(), vec![1])], ..plain() };
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &extended)), OK);
    rig.finish();
}

#[test]
fn what_a_storage_cannot_do_is_unsupported_and_never_asked_of_it() {
    let mut rig = Rig::with(options(), Features::RANDOM_WRITE);
    rig.model.put("/f", FileKind::Regular, b"");
    let handle = rig.open("/f", READ);
    let before = rig.started.len();
    assert_eq!(rig.status(|id| client::symlink(id, b"x", b"/l")), OP_UNSUPPORTED);
    assert_eq!(rig.status(|id| client::readlink(id, b"/l")), OP_UNSUPPORTED);
    for name in ["posix-rename@openssh.com", "hardlink@openssh.com"] {
        let two = |id| Packet::extended(id, name).string(b"/f").string(b"/g").finish();
        assert_eq!(rig.status(two), OP_UNSUPPORTED, "{name}");
    }
    for (name, target) in
        [("statvfs@openssh.com", &b"/"[..]), ("fstatvfs@openssh.com", &handle), ("fsync@openssh.com", &handle)]
    {
        assert_eq!(rig.status(|id| Packet::extended(id, name).string(target).finish()), OP_UNSUPPORTED, "{name}");
    }
    for attributes in [
        Attributes { permissions: Some(0o600), ..plain() },
        Attributes { owner: Some((1, 1)), ..plain() },
        Attributes { times: Some((1, 1)), ..plain() },
    ] {
        assert_eq!(rig.status(|id| client::setstat(id, b"/f", &attributes)), OP_UNSUPPORTED);
        assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &attributes)), OP_UNSUPPORTED);
    }
    assert_eq!(rig.started.len(), before);
    rig.finish();
}

const IN_ORDER: Features = Features::all().difference(Features::RANDOM_WRITE);

#[test]
fn without_random_writing_an_upload_goes_in_order() {
    let mut rig = Rig::with(options(), IN_ORDER);
    let handle = rig.open("/f", WRITE | CREATE | TRUNCATE);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"abc")), OK);
    assert_eq!(rig.status(|id| client::write(id, &handle, 3, b"def")), OK);
    assert_eq!(rig.status(|id| client::close(id, &handle)), OK);
    assert_eq!(rig.model.data("/f"), b"abcdef");
    rig.finish();
}

#[test]
fn without_random_writing_pipelined_writes_are_judged_in_their_turn() {
    let mut rig = Rig::with(options(), IN_ORDER);
    let handle = rig.open("/f", WRITE | CREATE | TRUNCATE);
    let ids: Vec<u32> =
        (0..20).map(|n| rig.post(|id| client::write(id, &handle, n * 4, &[n.to_le_bytes()[0]; 4]))).collect();
    assert_eq!(rig.in_flight.len(), 1);
    rig.run();
    assert!(ids.iter().all(|id| status_of(&rig.replies[id]) == OK));
    assert_eq!(rig.model.data("/f").len(), 80);
    rig.finish();
}

#[test]
fn without_random_writing_a_hole_spoils_the_upload() {
    let mut rig = Rig::with(options(), IN_ORDER);
    let handle = rig.open("/f", WRITE | CREATE | TRUNCATE);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"abc")), OK);
    assert_eq!(rig.status(|id| client::write(id, &handle, 4, b"x")), OP_UNSUPPORTED);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"x")), OP_UNSUPPORTED);
    assert_eq!(rig.status(|id| client::close(id, &handle)), FAILURE);
    assert_eq!(rig.model.closed, [crate::storage::Ending::Discard]);
    rig.finish();
}

#[test]
fn without_random_writing_appending_is_fine() {
    let mut rig = Rig::with(options(), IN_ORDER);
    rig.model.put("/f", FileKind::Regular, b"abc");
    let handle = rig.open("/f", WRITE | APPEND);
    assert_eq!(rig.status(|id| client::write(id, &handle, 77, b"d")), OK);
    assert_eq!(rig.model.data("/f"), b"abcd");
    rig.finish();
}

#[test]
fn without_random_writing_a_file_with_content_is_not_opened_to_keep_it() {
    let mut rig = Rig::with(options(), IN_ORDER);
    rig.model.put("/full", FileKind::Regular, b"abc");
    rig.model.put("/empty", FileKind::Regular, b"");
    for flags in [WRITE, WRITE | CREATE, READ | WRITE] {
        assert_eq!(rig.status(|id| client::open(id, b"/full", flags, &plain())), OP_UNSUPPORTED);
    }
    assert_eq!(rig.model.data("/full"), b"abc");
    assert_eq!(rig.session.open_handles(), 0);
    for (path, flags) in [("/empty", WRITE), ("/new", WRITE | CREATE), ("/new2", READ | WRITE | CREATE)] {
        let handle = rig.open(path, flags);
        let Some(Call::Open { flags, .. }) = rig.started.last() else { panic!() };
        assert!(flags.contains(OpenFlags::TRUNCATE));
        assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"x")), OK);
    }
    assert_eq!(rig.status(|id| client::open(id, b"/none", WRITE, &plain())), NO_SUCH_FILE);
    assert_eq!(rig.status(|id| client::open(id, b"/home", WRITE, &plain())), FAILURE);
    rig.finish();
}

#[test]
fn without_random_writing_an_open_that_empties_a_file_runs_alone() {
    let mut rig = Rig::with(options(), IN_ORDER);
    rig.model.put("/empty", FileKind::Regular, b"");
    rig.post(|id| client::stat(id, b"/empty"));
    rig.post(|id| client::open(id, b"/empty", WRITE, &plain()));
    rig.post(|id| client::stat(id, b"/empty"));
    assert_eq!(rig.in_flight.len(), 1);
    rig.run();
    rig.finish();
}

#[test]
fn without_random_writing_a_file_is_not_cut() {
    let mut rig = Rig::with(options(), IN_ORDER);
    rig.model.put("/f", FileKind::Regular, b"abc");
    let cut = |size| Attributes { size: Some(size), times: Some((1, 2)), ..plain() };
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &cut(1))), OP_UNSUPPORTED);
    let handle = rig.open("/g", WRITE | CREATE | TRUNCATE);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"12345")), OK);
    assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &cut(4))), OP_UNSUPPORTED);
    // sshfs and OpenSSH's client cut an upload to what they have written.
    assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &cut(5))), OK);
    assert_eq!(rig.stat("/g").times, Some((1, 2)));
    assert_eq!(rig.status(|id| client::close(id, &handle)), OK);
    rig.finish();
}

#[test]
fn without_random_writing_a_copy_goes_in_order_too() {
    let mut rig = Rig::with(options(), IN_ORDER);
    rig.model.put("/a", FileKind::Regular, b"0123456789");
    rig.model.max_copy = Some(3);
    let source = rig.open("/a", READ);
    let target = rig.open("/b", WRITE | CREATE | TRUNCATE);
    let copy = |at: u64| {
        let (from, to) = (source.clone(), target.clone());
        move |id| Packet::extended(id, "copy-data").string(&from).u64(0).u64(0).string(&to).u64(at).finish()
    };
    assert_eq!(rig.status(copy(0)), OK);
    assert_eq!(rig.status(|id| client::write(id, &target, 10, b"!")), OK);
    assert_eq!(rig.model.data("/b"), b"0123456789!");
    assert_eq!(rig.status(copy(3)), OP_UNSUPPORTED);
    rig.finish();
}
