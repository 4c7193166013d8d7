//! The extensions: what is offered, and what each answers.

use super::rig::*;
use crate::sftp::client::{self, *};
use crate::sftp::{Names, Options, RequestPolicy};
use crate::storage::{Call, ErrorCode, Features, FileKind, Usage};
use std::sync::Arc;

struct Someone;

impl Names for Someone {
    fn user(&self, uid: u32) -> Option<String> {
        (uid == 1000).then(|| "alice".to_owned())
    }

    fn group(&self, gid: u32) -> Option<String> {
        (gid == 1000).then(|| "staff".to_owned())
    }
}

fn offered(options: Options, features: Features) -> Vec<String> {
    let rig = Rig::with(options, features);
    let Some(Reply::Version { extensions, .. }) = &rig.version else { panic!() };
    extensions.iter().map(|(name, version)| format!("{name} {version}")).collect()
}

const ALWAYS: [&str; 7] = [
    "check-file md5,sha1,sha256,sha512",
    "check-file-handle md5,sha1,sha256,sha512",
    "check-file-name md5,sha1,sha256,sha512",
    "copy-data 1",
    "expand-path@openssh.com 1",
    "home-directory 1",
    "limits@openssh.com 1",
];

#[test]
fn everything_is_offered_by_a_storage_that_can_do_everything() {
    let mut expected = ALWAYS.map(str::to_owned).to_vec();
    expected.extend(
        ["fstatvfs@openssh.com 2", "fsync@openssh.com 1", "hardlink@openssh.com 1", "lsetstat@openssh.com 1"]
            .map(str::to_owned),
    );
    expected.extend(
        ["posix-rename@openssh.com 1", "statvfs@openssh.com 2", "users-groups-by-id@openssh.com 1"].map(str::to_owned),
    );
    expected.sort();
    let options = Options { show_names: Some(Arc::new(Someone)), ..options() };
    assert_eq!(offered(options, Features::all()), expected);
}

#[test]
fn a_storage_that_can_do_little_offers_little() {
    assert_eq!(offered(options(), Features::empty()), ALWAYS);
}

#[test]
fn what_is_refused_is_not_offered() {
    let requests = RequestPolicy::parse(None, Some("posix-rename,limits,read")).unwrap();
    let offers = offered(Options { requests, ..options() }, Features::all());
    for name in ["posix-rename@openssh.com 1", "limits@openssh.com 1", ALWAYS[0], ALWAYS[1], ALWAYS[2]] {
        assert!(!offers.iter().any(|offer| offer == name), "{name}");
    }
    let offers = offered(Options { read_only: true, ..options() }, Features::all());
    for name in ["posix-rename", "hardlink", "fsync", "lsetstat", "copy-data"] {
        assert!(!offers.iter().any(|offer| offer.starts_with(name)), "{name}");
    }
    assert!(offers.iter().any(|offer| offer.starts_with("statvfs")));
}

fn usage_fields(usage: &Usage, flags: u64) -> Vec<u64> {
    vec![
        usage.block_size,
        usage.fragment_size,
        usage.blocks,
        usage.blocks_free,
        usage.blocks_available,
        usage.files,
        usage.files_free,
        usage.files_available,
        usage.filesystem_id,
        flags,
        usage.name_max,
    ]
}

#[test]
fn statvfs_and_fstatvfs() {
    for (read_only, flags) in [(false, 2), (true, 3)] {
        let mut rig = Rig::with(Options { read_only, ..options() }, Features::all());
        rig.model.put("/f", FileKind::Regular, b"");
        let handle = rig.open("/f", READ);
        let by_path = rig.ask(|id| Packet::extended(id, "statvfs@openssh.com").string(b"/f").finish());
        let by_handle = rig.ask(|id| Packet::extended(id, "fstatvfs@openssh.com").string(&handle).finish());
        assert_eq!(by_path, by_handle);
        let bytes = extended_of(by_path);
        let mut fields = Fields { rest: &bytes };
        let told: Vec<_> = std::iter::from_fn(|| fields.u64()).collect();
        assert_eq!(told, usage_fields(&super::model::usage(), flags));
        let missing = |id| Packet::extended(id, "statvfs@openssh.com").string(b"/none").finish();
        assert_eq!(rig.status(missing), NO_SUCH_FILE);
        rig.finish();
    }
}

#[test]
fn hardlink() {
    let mut rig = Rig::new();
    rig.model.put("/a", FileKind::Regular, b"1");
    let link = |id| Packet::extended(id, "hardlink@openssh.com").string(b"/a").string(b"/b").finish();
    assert_eq!(rig.status(link), OK);
    assert_eq!(rig.model.data("/b"), b"1");
    assert_eq!(rig.status(link), FAILURE);
    rig.finish();
}

#[test]
fn fsync() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    let sync = |handle: &[u8]| {
        let handle = handle.to_vec();
        move |id| Packet::extended(id, "fsync@openssh.com").string(&handle).finish()
    };
    assert_eq!(rig.status(sync(&handle)), OK);
    assert!(matches!(rig.started.last(), Some(Call::FileSync { .. })));
    assert_eq!(rig.status(sync(b"unknown")), NO_SUCH_FILE);
    rig.finish();
}

#[test]
fn lsetstat_does_not_follow() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"");
    rig.model.put_link("/l", "f");
    let set = |attributes: Attributes| {
        move |id| Packet::extended(id, "lsetstat@openssh.com").string(b"/l").attributes(&attributes).finish()
    };
    assert_eq!(rig.status(set(Attributes { times: Some((5, 6)), ..Attributes::default() })), OK);
    assert_eq!(attributes_of(rig.ask(|id| client::lstat(id, b"/l"))).times, Some((5, 6)));
    assert_ne!(rig.stat("/f").times, Some((5, 6)));
    assert_eq!(rig.status(set(Attributes { size: Some(0), ..Attributes::default() })), BAD_MESSAGE);
    rig.finish();
}

#[test]
fn home_directory_and_expand_path_tell_of_nobody_else() {
    let mut rig = Rig::new();
    let home = |user: &'static str| move |id| Packet::extended(id, "home-directory").string(user.as_bytes()).finish();
    assert_eq!(single_name_of(rig.ask(home(""))), b"/home");
    assert_eq!(single_name_of(rig.ask(home("alice"))), b"/home");
    assert_eq!(rig.ask(home("root")), rig.ask(home("no-such-user-at-all")));
    assert_eq!(rig.status(home("root")), FAILURE);
    let expand =
        |path: &'static str| move |id| Packet::extended(id, "expand-path@openssh.com").string(path.as_bytes()).finish();
    for (path, expected) in [
        ("~", "/home"),
        ("~/x", "/home/x"),
        ("~//etc", "/home/etc"),
        ("~alice", "/home"),
        ("~alice/x", "/home/x"),
        ("", "/home"),
        ("x/..", "/home"),
        ("/~", "/~"),
        ("~/../..", "/"),
    ] {
        assert_eq!(single_name_of(rig.ask(expand(path))), expected.as_bytes(), "{path}");
    }
    assert_eq!(rig.ask(expand("~root")), rig.ask(expand("~no-such-user/x")));
    assert_eq!(rig.status(expand("~root")), NO_SUCH_FILE);
    rig.finish();
}

#[test]
fn users_groups_by_id() {
    let ask = |uids: &[u32], gids: &[u32]| {
        let bytes = |ids: &[u32]| ids.iter().flat_map(|id| id.to_be_bytes()).collect::<Vec<u8>>();
        let (uids, gids) = (bytes(uids), bytes(gids));
        move |id| Packet::extended(id, "users-groups-by-id@openssh.com").string(&uids).string(&gids).finish()
    };
    let mut rig = Rig::new();
    assert_eq!(rig.status(ask(&[0], &[])), OP_UNSUPPORTED);
    rig.finish();
    let mut rig = Rig::with(Options { show_names: Some(Arc::new(Someone)), ..options() }, Features::all());
    let bytes = extended_of(rig.ask(ask(&[1000, 7], &[1000])));
    let mut fields = Fields { rest: &bytes };
    let users = fields.string().unwrap();
    let mut users = Fields { rest: &users };
    assert_eq!((users.string(), users.string(), users.rest), (Some(b"alice".to_vec()), Some(vec![]), &[][..]));
    let groups = fields.string().unwrap();
    assert_eq!(Fields { rest: &groups }.string(), Some(b"staff".to_vec()));
    let odd = |id| Packet::extended(id, "users-groups-by-id@openssh.com").string(b"12345").string(b"").finish();
    assert_eq!(rig.status(odd), BAD_MESSAGE);
    assert_eq!(rig.status(ask(&vec![1000; 60_000], &[])), FAILURE);
    rig.finish();
}

#[test]
fn copy_data_goes_on_until_all_is_copied() {
    let mut rig = Rig::new();
    rig.model.put("/a", FileKind::Regular, &[9; 1000]);
    rig.model.max_copy = Some(300);
    let source = rig.open("/a", READ);
    let target = rig.open("/b", WRITE | CREATE);
    let copy = |length: u64| {
        let (from, to) = (source.clone(), target.clone());
        move |id| Packet::extended(id, "copy-data").string(&from).u64(0).u64(length).string(&to).u64(0).finish()
    };
    let before = rig.started.len();
    assert_eq!(rig.status(copy(800)), OK);
    assert_eq!((rig.model.data("/b").len(), rig.started.len() - before), (800, 4));
    assert_eq!(rig.status(copy(0)), OK);
    assert_eq!(rig.model.data("/b").len(), 1000);
    assert_eq!(rig.status(copy(5000)), OK);
    assert_eq!(rig.status(copy(u64::MAX)), OK);
    rig.finish();
}

#[test]
fn a_copy_that_says_too_much_is_a_fault() {
    let mut rig = Rig::new();
    rig.model.put("/a", FileKind::Regular, b"123");
    let source = rig.open("/a", READ);
    let target = rig.open("/b", WRITE | CREATE);
    let copy = |id| Packet::extended(id, "copy-data").string(&source).u64(0).u64(2).string(&target).u64(0).finish();
    let id = rig.post(copy);
    // The look where the source ends.
    rig.answer(0);
    rig.start().unwrap();
    rig.answer_with(0, Ok(crate::storage::Answer::Copied(3)));
    rig.run();
    assert_eq!(status_of(&rig.replies[&id]), FAILURE);
    rig.finish();
}

fn check(
    name: &'static str,
    target: &[u8],
    list: &'static str,
    range: (u64, u64),
    block: u32,
) -> impl Fn(u32) -> Vec<u8> {
    let target = target.to_vec();
    move |id| {
        let packet = Packet::extended(id, name).string(&target).string(list.as_bytes());
        packet.u64(range.0).u64(range.1).u32(block).finish()
    }
}

fn hashes(reply: Reply) -> (String, Vec<u8>) {
    let bytes = extended_of(reply);
    let mut fields = Fields { rest: &bytes };
    assert_eq!(fields.string().unwrap(), b"check-file");
    (String::from_utf8(fields.string().unwrap()).unwrap(), fields.rest.to_vec())
}

#[test]
fn check_file() {
    use sha2::Digest;
    let mut rig = Rig::new();
    let content: Vec<u8> = (0..600_000u32).map(|n| (n % 251).to_le_bytes()[0]).collect();
    rig.model.put("/f", FileKind::Regular, &content);
    let handle = rig.open("/f", READ);
    let whole = sha2::Sha256::digest(&content).to_vec();
    for (name, target) in
        [("check-file", &handle[..]), ("check-file-handle", &handle[..]), ("check-file-name", &b"/f"[..])]
    {
        let reply = rig.ask(check(name, target, "x,sha256,md5", (0, 0), 0));
        assert_eq!(hashes(reply), ("sha256".to_owned(), whole.clone()));
    }
    let reply = rig.ask(check("check-file-handle", &handle, "md5", (100, 1000), 256));
    let expected: Vec<u8> = content[100..1100].chunks(256).flat_map(|block| md5::Md5::digest(block).to_vec()).collect();
    assert_eq!(hashes(reply), ("md5".to_owned(), expected));
    assert_eq!(rig.session.open_handles(), 1);
    assert_eq!(rig.model.files.len(), 1);
    rig.finish();
}

#[test]
fn check_file_refuses() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, &[0; 3 << 20]);
    let handle = rig.open("/f", READ);
    let write_only = rig.open("/g", WRITE | CREATE);
    assert_eq!(rig.status(check("check-file-handle", &handle, "crc32", (0, 0), 0)), FAILURE);
    assert_eq!(rig.status(check("check-file-handle", &handle, "md5", (0, 0), 255)), FAILURE);
    assert_eq!(rig.status(check("check-file-handle", &write_only, "md5", (0, 0), 0)), FAILURE);
    assert_eq!(rig.status(check("check-file-handle", b"?", "md5", (0, 0), 0)), FAILURE);
    assert_eq!(rig.status(check("check-file-name", b"/none", "md5", (0, 0), 0)), NO_SUCH_FILE);
    assert_eq!(rig.status(check("check-file-name", b"/f", "crc32", (0, 0), 0)), FAILURE);
    // 12,288 blocks of 64 bytes would make no packet that a client takes.
    assert_eq!(rig.status(check("check-file-name", b"/f", "sha512", (0, 0), 256)), FAILURE);
    rig.model.failures.extend([ErrorCode::PermissionDenied.into()]);
    assert_eq!(rig.status(check("check-file-handle", &handle, "md5", (0, 0), 0)), PERMISSION_DENIED);
    assert_eq!((rig.session.open_handles(), rig.model.files.len()), (2, 2));
    rig.finish();
}

#[test]
fn check_file_name_holds_up_no_path() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"123");
    let hashing = rig.post(check("check-file-name", b"/f", "md5", (0, 0), 0));
    rig.answer(0);
    rig.start().unwrap();
    assert!(matches!(rig.in_flight[..], [(_, Call::Read { .. })]));
    let making = rig.post(|id| client::mkdir(id, b"/d", &Attributes::default()));
    assert_eq!(rig.in_flight.len(), 2);
    rig.answer(1);
    rig.start().unwrap();
    assert_eq!(status_of(&rig.replies[&making]), OK);
    rig.run();
    assert!(matches!(rig.replies[&hashing], Reply::Extended(_)));
    rig.finish();
}
