//! The rows of the list of what clients trip on and of what attackers try, as far as the protocol answers for them.

use super::model::Model;
use super::rig::*;
use crate::sftp::client::{self, *};
use crate::sftp::{Fatal, Options};
use crate::storage::{Call, Ending, ErrorCode, Features, FileKind, OpenFlags};

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
    assert_eq!(rig.status(|id| client::write(id, &read_only, 0, b"x")), FAILURE);
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
        (vec![0, 0, 0, 1, 3], Fatal::PacketTooShort),
        (vec![0, 0, 0, 4, 3, 0, 0, 0], Fatal::PacketTooShort),
        (client::init(3), Fatal::SecondInit),
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
fn row_23_nul_in_a_path_is_a_bad_message() {
    let mut rig = Rig::new();
    for path in [&b"\0"[..], b"/a\0b", b"/a\0"] {
        assert_eq!(rig.status(|id| client::stat(id, path)), BAD_MESSAGE);
        assert_eq!(rig.status(|id| client::realpath(id, path)), BAD_MESSAGE);
        assert_eq!(rig.status(|id| client::open(id, path, WRITE | CREATE, &plain())), BAD_MESSAGE);
        assert_eq!(rig.status(|id| client::symlink(id, path, b"/l")), BAD_MESSAGE);
        assert_eq!(rig.status(|id| client::rename(id, b"/a", path)), BAD_MESSAGE);
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
