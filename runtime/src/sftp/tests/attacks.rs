//! What attackers try, as far as the protocol answers for it.

use super::rig::*;
use crate::sftp::Options;
use crate::sftp::client::{self, *};
use crate::storage::{Answer, Call, Ending, Features, FileKind};

fn plain() -> Attributes {
    Attributes::default()
}

#[test]
fn attack_lengths_and_counts_are_checked_before_anything_is_allocated() {
    let mut rig = Rig::new();
    let many = |id| Packet::request(9, id).string(b"/").u32(0x8000_0000).u32(u32::MAX).finish();
    assert_eq!(rig.status(many), BAD_MESSAGE);
    let handle = |id| Packet::request(5, id).string(&[0xff; 70_000]).u64(0).u32(1).finish();
    assert_eq!(rig.status(handle), FAILURE);
    let path = vec![b'a'; 4097];
    assert_eq!(rig.status(|id| client::stat(id, &path)), BAD_MESSAGE);
    assert_eq!(rig.status(|id| client::symlink(id, &path, b"/l")), BAD_MESSAGE);
    rig.finish();
}

#[test]
fn attack_offsets_and_sizes_beyond_every_file_never_reach_the_storage() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", READ | WRITE | CREATE);
    let before = rig.started.len();
    let beyond = 1u64 << 63;
    assert_eq!(rig.status(|id| client::read(id, &handle, beyond, 1)), BAD_MESSAGE);
    assert_eq!(rig.status(|id| client::write(id, &handle, beyond, b"x")), BAD_MESSAGE);
    assert_eq!(rig.status(|id| client::write(id, &handle, beyond - 1, b"x")), FAILURE);
    let size = Attributes { size: Some(beyond), ..plain() };
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &size)), BAD_MESSAGE);
    assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &size)), BAD_MESSAGE);
    assert_eq!(rig.started.len(), before);
    // What the client wanted to write is not in the file.
    assert_eq!(rig.status(|id| client::close(id, &handle)), FAILURE);
    assert_eq!(rig.model.closed, [Ending::Discard]);
    rig.finish();
}

#[test]
fn attack_output_that_nobody_receives_stops_everything() {
    let mut rig = Rig::new();
    let mut asked = 0;
    while rig.session.wants_input() {
        assert!(asked < 200_000);
        let id = rig.id();
        rig.send(&Packet::extended(id, "limits@openssh.com").finish());
        asked += 1;
        assert!(rig.session.next_call().unwrap().is_none());
    }
    assert!(rig.session.output().len() < limits().max_output_bytes + 100);
    rig.send(&client::stat(1, b"/"));
    assert!(rig.session.next_call().unwrap().is_none());
    rig.receive();
    assert!(rig.session.wants_input());
    rig.run();
    assert!(matches!(rig.replies[&1], Reply::Attributes(_)));
    rig.finish();
}

#[test]
fn attack_read_only_creates_and_cuts_nothing() {
    let mut rig = Rig::with(Options { read_only: true, ..options() }, Features::all());
    rig.model.put("/f", FileKind::Regular, b"abc");
    for flags in
        [WRITE, READ | CREATE, READ | TRUNCATE, CREATE | TRUNCATE, READ | WRITE, APPEND | WRITE, CREATE | EXCLUSIVE]
    {
        assert_eq!(rig.status(|id| client::open(id, b"/f", flags, &plain())), PERMISSION_DENIED, "{flags}");
        assert_eq!(rig.status(|id| client::open(id, b"/g", flags, &plain())), PERMISSION_DENIED, "{flags}");
    }
    assert!(rig.started.is_empty());
    let handle = rig.open("/f", READ);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"x")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &plain())), PERMISSION_DENIED);
    assert_eq!(rig.model.data("/f"), b"abc");
    rig.finish();
}

#[test]
fn attack_a_handle_acts_on_the_open_file_and_never_on_its_path() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    let before = rig.started.len();
    assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &Attributes { size: Some(3), ..plain() })), OK);
    assert!(matches!(rig.started[before..], [Call::FileSetStat { .. }]));
    rig.finish();
}

#[test]
fn attack_paths_are_normalised_before_the_storage_sees_them() {
    let mut rig = Rig::new();
    for (sent, expected) in [("/../../etc/passwd", "/etc/passwd"), ("..//../x/", "/x"), ("a/../../..", "/")] {
        rig.ask(|id| client::lstat(id, sent.as_bytes()));
        let Some(Call::Stat { path, .. }) = rig.started.last() else { panic!() };
        assert_eq!(path.as_str(), expected);
    }
    rig.finish();
}

#[test]
fn attack_a_storages_names_never_make_a_client_give_up() {
    let mut rig = Rig::new();
    for length in [32 * 1024, 32 * 1024 + 1] {
        let id = rig.post(|id| client::readlink(id, b"/l"));
        rig.answer_with(0, Ok(Answer::Target("t".repeat(length))));
        rig.run();
        match rig.replies.remove(&id).unwrap() {
            Reply::Names(names) => assert!(length <= 32 * 1024 && names.len() == 1),
            reply => assert!(length > 32 * 1024 && status_of(&reply) == FAILURE),
        }
    }
    rig.finish();
}
