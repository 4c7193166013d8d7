//! What clients trip on, from row 17.

use super::rig::*;
use crate::sftp::client::{self, *};
use crate::sftp::{Fatal, Options};
use crate::storage::{Call, ErrorCode, Features, FileKind};

fn plain() -> Attributes {
    Attributes::default()
}

#[test]
fn row_17_each_error_has_its_status() {
    use ErrorCode::*;
    for (code, expected) in [
        (NoSuchFile, NO_SUCH_FILE),
        (NotADirectory, NO_SUCH_FILE),
        (Loop, NO_SUCH_FILE),
        (PermissionDenied, PERMISSION_DENIED),
        (ReadOnly, PERMISSION_DENIED),
        (InvalidArgument, BAD_MESSAGE),
        (NameTooLong, BAD_MESSAGE),
        (Unsupported, OP_UNSUPPORTED),
        (AlreadyExists, FAILURE),
        (IsADirectory, FAILURE),
        (NotEmpty, FAILURE),
        (NoSpace, FAILURE),
        (QuotaExceeded, FAILURE),
        (FileTooLarge, FAILURE),
        (TooManyLinks, FAILURE),
        (TooManyOpen, FAILURE),
        (CrossDevice, FAILURE),
        (Busy, FAILURE),
        (Conflict, FAILURE),
        (Corrupt, FAILURE),
        (Unavailable, FAILURE),
        (TimedOut, FAILURE),
        (NotAuthenticated, FAILURE),
        (Failure, FAILURE),
    ] {
        let mut rig = Rig::new();
        rig.model.failures.push_back(code.into());
        assert_eq!(rig.status(|id| client::stat(id, b"/")), expected, "{code:?}");
        rig.finish();
    }
}

#[test]
fn row_18_a_handle_does_only_what_it_was_opened_for() {
    let mut rig = Rig::new();
    let write_only = rig.open("/f", WRITE | CREATE);
    assert_eq!(rig.status(|id| client::read(id, &write_only, 0, 1)), FAILURE);
    let read_only = rig.open("/f", READ | TRUNCATE);
    assert_eq!(rig.status(|id| client::write(id, &read_only, 0, b"x")), NO_SUCH_FILE);
    let cut = Attributes { size: Some(0), ..plain() };
    assert_eq!(rig.status(|id| client::fsetstat(id, &read_only, &cut)), BAD_MESSAGE);
    assert_eq!(rig.status(|id| client::fsetstat(id, &write_only, &cut)), OK);
    rig.finish();
}

#[test]
fn row_19_times_are_clamped() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"");
    let at = |seconds| Some(crate::storage::Timestamp { seconds, nanoseconds: 0 });
    rig.model.node_mut("/f").attributes.accessed = at(-5);
    rig.model.node_mut("/f").attributes.modified = at(1 << 33);
    assert_eq!(rig.stat("/f").times, Some((0, u32::MAX)));
    let sent = Attributes { times: Some((u32::MAX, 0x8000_0000)), ..plain() };
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &sent)), OK);
    assert_eq!(rig.stat("/f").times, sent.times);
    rig.finish();
}

#[test]
fn row_20_setstat_is_one_call_and_needs_a_file() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"123");
    let before = rig.started.len();
    let all =
        Attributes { size: Some(1), owner: Some((1, 2)), permissions: Some(0o107_777), times: Some((1, 2)), ..plain() };
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &all)), OK);
    let [Call::SetStat { changes, follow: true, .. }] = &rig.started[before..] else { panic!() };
    assert_eq!(
        (changes.size, changes.permissions, changes.uid, changes.gid),
        (Some(1), Some(0o7777), Some(1), Some(2))
    );
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &plain())), OK);
    assert_eq!(rig.status(|id| client::setstat(id, b"/none", &plain())), NO_SUCH_FILE);
    rig.finish();
}

#[test]
fn row_21_attributes_that_a_storage_does_not_keep() {
    let features = Features::all() - Features::TIMES - Features::PERMISSIONS - Features::OWNERSHIP;
    let times = Attributes { times: Some((1, 2)), permissions: Some(0o600), owner: Some((1, 1)), ..plain() };
    for (ignore, expected) in [(true, OK), (false, OP_UNSUPPORTED)] {
        let mut rig = Rig::with(Options { ignore_unsupported_attributes: ignore, ..options() }, features);
        rig.model.put("/f.filepart", FileKind::Regular, b"");
        assert_eq!(rig.status(|id| client::rename(id, b"/f.filepart", b"/f")), OK);
        let before = rig.stat("/f");
        assert_eq!(rig.status(|id| client::setstat(id, b"/f", &times)), expected);
        assert_eq!(rig.stat("/f"), before);
        let handle = rig.open("/f", READ);
        assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &times)), expected);
        let missing = if ignore { NO_SUCH_FILE } else { OP_UNSUPPORTED };
        assert_eq!(rig.status(|id| client::setstat(id, b"/none", &times)), missing);
        rig.finish();
    }
}

#[test]
fn row_22_unknown_packets_and_extensions_are_unsupported() {
    let mut rig = Rig::new();
    for kind in [0, 2, 21, 99, 101, 105, 199, 201, 255] {
        assert_eq!(rig.status(|id| Packet::request(kind, id).raw(b"whatever").finish()), OP_UNSUPPORTED, "{kind}");
    }
    assert_eq!(rig.status(|id| Packet::extended(id, "x").finish()), OP_UNSUPPORTED);
    rig.finish();
}

#[test]
fn row_23_request_before_init_closes() {
    let mut rig = Rig::silent(options(), Features::all());
    rig.send(&client::stat(1, b"/"));
    assert_eq!(rig.start(), Err(Fatal::RequestBeforeInit { kind: 17 }));
    assert!(rig.replies.is_empty() && !rig.session.wants_input());
    rig.finish();
}

#[test]
fn row_23_a_first_packet_of_the_wrong_kind_is_known_before_it_is_whole() {
    let mut rig = Rig::silent(options(), Features::all());
    rig.send(&[0, 0, 1, 0, 17]);
    assert_eq!(rig.start(), Err(Fatal::RequestBeforeInit { kind: 17 }));
    let mut rig = Rig::silent(options(), Features::all());
    rig.send(b"SSH-2.0-client\r\n");
    assert!(matches!(rig.start(), Err(Fatal::PacketTooLong { .. })));
}

#[test]
fn row_23_a_packet_over_the_limit_closes() {
    let mut rig = Rig::new();
    rig.send(&262_145u32.to_be_bytes());
    assert_eq!(rig.start(), Err(Fatal::PacketTooLong { length: 262_145, max: 262_144 }));
    // It is said once; then the session ends in order.
    assert_eq!(rig.start(), Ok(()));
    assert!(rig.session.input().capacity() < 262_144);
    rig.finish();
}

#[test]
fn row_23_a_packet_at_the_limit_is_served() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    let overhead = client::write(0, &handle, 0, b"").len() - 4;
    let data = vec![3; 262_144 - overhead];
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, &data)), OK);
    assert_eq!(rig.model.data("/f"), data);
    rig.finish();
}

#[test]
fn row_23_other_broken_framing_closes() {
    for (bytes, expected) in [
        (vec![0, 0, 0, 0], Fatal::EmptyPacket),
        (vec![0, 0, 0, 1, 1], Fatal::InitTooShort),
        (vec![0, 0, 0, 4, 1, 0, 0, 0], Fatal::InitTooShort),
    ] {
        let mut rig = Rig::new();
        rig.send(&bytes);
        assert_eq!(rig.start(), Err(expected));
        rig.finish();
    }
}

#[test]
fn row_23_requests_before_the_broken_one_are_still_served() {
    let mut rig = Rig::new();
    let id = rig.id();
    rig.send(&client::stat(id, b"/"));
    rig.send(&[0, 0, 0, 0]);
    assert_eq!(rig.start(), Err(Fatal::EmptyPacket));
    rig.session.end(true);
    rig.run();
    assert!(matches!(rig.replies[&id], Reply::Attributes(_)));
    rig.finish();
}

#[test]
fn row_23_malformed_bodies_are_bad_messages_and_the_session_goes_on() {
    let mut rig = Rig::new();
    for kind in (3..=20).chain([200]) {
        assert_eq!(rig.status(|id| Packet::request(kind, id).finish()), BAD_MESSAGE, "{kind}");
        let long = |id| Packet::request(kind, id).u32(u32::MAX).raw(b"short").finish();
        assert_eq!(rig.status(long), BAD_MESSAGE, "{kind}");
    }
    assert_eq!(rig.status(|id| Packet::request(3, id).string(b"/f").finish()), BAD_MESSAGE);
    assert_eq!(rig.status(|id| Packet::request(9, id).string(b"/").u32(1).finish()), BAD_MESSAGE);
    assert!(rig.started.is_empty());
    assert!(rig.stat("/").permissions.is_some());
    rig.finish();
}

#[test]
fn row_23_a_request_without_a_whole_id_is_a_bad_message_of_id_0() {
    let mut rig = Rig::new();
    for bytes in [&[0, 0, 0, 1, 3][..], &[0, 0, 0, 4, 17, 0, 0, 0], &[0, 0, 0, 1, 255]] {
        rig.send(bytes);
        rig.run();
        assert_eq!(status_of(&rig.replies.remove(&0).unwrap()), BAD_MESSAGE, "{bytes:?}");
    }
    assert!(rig.stat("/").permissions.is_some());
    rig.finish();
}

#[test]
fn row_23_nul_in_a_path_is_a_bad_message() {
    let mut rig = Rig::new();
    for path in [&b"\0"[..], b"/a\0b", b"/a\0"] {
        assert_eq!(rig.status(|id| client::stat(id, path)), BAD_MESSAGE);
        assert_eq!(rig.status(|id| client::realpath(id, path)), BAD_MESSAGE);
        assert_eq!(rig.status(|id| client::open(id, path, WRITE | CREATE, &plain())), BAD_MESSAGE);
        assert_eq!(rig.status(|id| client::symlink(id, path, b"/l")), BAD_MESSAGE);
        assert_eq!(rig.status(|id| client::rename(id, b"/a", path)), BAD_MESSAGE);
        for name in
            ["posix-rename@openssh.com", "hardlink@openssh.com", "statvfs@openssh.com", "expand-path@openssh.com"]
        {
            let request = |id| Packet::request(200, id).string(name.as_bytes()).string(path).string(path).finish();
            assert_eq!(rig.status(request), BAD_MESSAGE, "{name}");
        }
        let request = |id| Packet::request(200, id).string(b"lsetstat@openssh.com").string(path).u32(0).finish();
        assert_eq!(rig.status(request), BAD_MESSAGE);
    }
    assert!(rig.started.is_empty());
    rig.finish();
}

#[test]
fn row_24_the_handle_limit_is_a_failure() {
    let mut few = options();
    few.limits.max_handles = 3;
    let mut rig = Rig::with(few, Features::all());
    let handles: Vec<_> = (0..3).map(|number| rig.open(&format!("/f{number}"), WRITE | CREATE)).collect();
    assert_eq!(rig.status(|id| client::open(id, b"/g", WRITE | CREATE, &plain())), FAILURE);
    assert_eq!(rig.status(|id| client::opendir(id, b"/")), FAILURE);
    assert_eq!(rig.status(|id| client::close(id, &handles[0])), OK);
    rig.opendir("/");
    assert_eq!(rig.session.open_handles(), 3);
    rig.finish();
}

#[test]
fn row_24_a_handle_that_is_being_closed_is_free_for_the_next() {
    let mut few = options();
    few.limits.max_handles = 1;
    let mut rig = Rig::with(few, Features::all());
    let handle = rig.open("/f", WRITE | CREATE);
    let closing = rig.post(|id| client::close(id, &handle));
    let opening = rig.post(|id| client::open(id, b"/g", WRITE | CREATE, &plain()));
    rig.run();
    assert_eq!(status_of(&rig.replies[&closing]), OK);
    assert!(matches!(rig.replies[&opening], Reply::Handle(_)));
    rig.finish();
}

#[test]
fn row_24_a_closed_handle_is_unknown_at_once_and_for_ever() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", READ | WRITE | CREATE);
    let closing = rig.post(|id| client::close(id, &handle));
    let late = rig.post(|id| client::read(id, &handle, 0, 1));
    assert_eq!(status_of(&rig.replies[&late]), FAILURE);
    rig.run();
    assert_eq!(status_of(&rig.replies[&closing]), OK);
    for _ in 0..5 {
        rig.open("/f", READ);
        assert_eq!(rig.status(|id| client::close(id, &handle)), NO_SUCH_FILE);
        assert_eq!(rig.status(|id| client::fstat(id, &handle)), FAILURE);
    }
    rig.finish();
}

#[test]
fn row_25_copy_data_onto_itself_and_to_the_end() {
    let mut rig = Rig::new();
    rig.model.put("/a", FileKind::Regular, b"0123456789");
    let source = rig.open("/a", READ | WRITE);
    let other = rig.open("/a", READ | WRITE);
    let target = rig.open("/b", WRITE | CREATE);
    let copy = |from: &[u8], at: u64, length: u64, to: &[u8], to_at: u64| {
        let (from, to) = (from.to_vec(), to.to_vec());
        move |id| Packet::extended(id, "copy-data").string(&from).u64(at).u64(length).string(&to).u64(to_at).finish()
    };
    assert_eq!(rig.status(copy(&source, 0, 5, &source, 4)), FAILURE);
    assert_eq!(rig.status(copy(&source, 0, 5, &other, 4)), FAILURE);
    assert_eq!(rig.status(copy(&source, 0, 0, &source, 100)), FAILURE);
    assert_eq!(rig.status(copy(&source, 0, 3, &source, 5)), OK);
    assert_eq!(rig.model.data("/a"), b"0123401289");
    assert_eq!(rig.status(copy(&source, 4, 0, &target, 1)), OK);
    assert_eq!(rig.model.data("/b"), b"\x00401289");
    assert_eq!(rig.status(copy(&target, 0, 1, &source, 0)), FAILURE);
    assert_eq!(rig.status(copy(b"nonsense", 0, 1, &source, 0)), FAILURE);
    rig.finish();
}

#[test]
fn row_26_links() {
    let mut rig = Rig::new();
    rig.model.put_link("/dangling", "nowhere");
    assert_eq!(rig.status(|id| client::stat(id, b"/dangling")), NO_SUCH_FILE);
    let link = attributes_of(rig.ask(|id| client::lstat(id, b"/dangling")));
    assert_eq!(link.permissions.unwrap() & 0o170_000, 0o120_000);
    assert_eq!(single_name_of(rig.ask(|id| client::readlink(id, b"/dangling"))), b"nowhere");
    rig.finish();
}

#[test]
fn row_27_limits() {
    let mut rig = Rig::new();
    let bytes = extended_of(rig.ask(|id| Packet::extended(id, "limits@openssh.com").finish()));
    let mut fields = Fields { rest: &bytes };
    let told: Vec<_> = std::iter::from_fn(|| fields.u64()).collect();
    assert_eq!(told, [262_144, 261_120, 261_120, 50]);
    rig.finish();
}
