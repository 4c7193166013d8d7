//! Every packet and every flag, with good and bad arguments.

use super::pair::Pair;
use super::request::Request;
use super::seen::Seen;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use strongroom_tests::packet::{Attributes, code, flag, kind};

/// A part of the script by its name.
type Part = (&'static str, fn(&mut Pair));

pub const PARTS: [Part; 10] = [
    ("opens", opens),
    ("one path", one_path),
    ("odd targets", odd_targets),
    ("two paths", two_paths),
    ("handles", handles),
    ("reads and writes", reads_and_writes),
    ("attributes", attributes),
    ("listings", listings),
    ("copies", copies),
    ("extensions", extensions),
];

const LONGEST_NAME: [u8; 255] = [b'n'; 255];
const TOO_LONG_NAME: [u8; 256] = [b'n'; 256];
const TOO_LONG_PATH: [u8; 5000] = [b'p'; 5000];

/// Whatever a path can be.
const PATHS: [&[u8]; 32] = [
    b"",
    b".",
    b"/",
    b"file",
    b"/file",
    b"//file",
    b"./file",
    b"file/",
    b"file/below",
    b"missing",
    b"missing/",
    b"missing/below",
    b"missing/../file",
    b"directory",
    b"directory/",
    b"directory/inside",
    b"directory/../file",
    b"empty-directory",
    b"link",
    b"link/below",
    b"dangling",
    b"loop",
    b"loop/below",
    b"link-to-directory",
    b"link-to-directory/inside",
    b"link-to-directory/../file",
    b"closed/inside",
    b"unreadable",
    b"not utf-8 \xff\xc3",
    &LONGEST_NAME,
    &TOO_LONG_NAME,
    &TOO_LONG_PATH,
];

/// What a bad path can be where many are combined.
const FEWER_PATHS: [&[u8]; 18] = [
    b"",
    b"file",
    b"twin",
    b"/executable",
    b"file/below",
    b"missing",
    b"missing/below",
    b"directory",
    b"directory/inside",
    b"directory/new",
    b"empty-directory",
    b"link",
    b"dangling",
    b"loop",
    b"link-to-directory",
    b"link-to-directory/new",
    b"closed/inside",
    &TOO_LONG_NAME,
];

/// The tree that each part begins with.
pub fn make_tree(root: &Path) {
    let mode = |name: &str, mode| fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    for directory in ["directory/sub", "link-target", "empty-directory", "closed"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    for (name, contents, bits) in [
        ("file", "hello, world", 0o644),
        ("executable", "#!/bin/sh\n", 0o755),
        ("read-only", "fixed", 0o444),
        ("unreadable", "secret", 0o000),
        ("directory/inside", "inside", 0o640),
        ("directory/sub/deep", "deep", 0o600),
        ("closed/inside", "closed", 0o644),
    ] {
        fs::write(root.join(name), contents).unwrap();
        mode(name, bits);
    }
    fs::hard_link(root.join("file"), root.join("twin")).unwrap();
    for (target, name) in
        [("file", "link"), ("missing", "dangling"), ("loop", "loop"), ("directory", "link-to-directory")]
    {
        symlink(target, root.join(name)).unwrap();
    }
    mode("closed", 0o000);
}

fn open(path: impl AsRef<[u8]>, flags: u32, permissions: Option<u32>) -> Request {
    let attributes = Attributes { permissions, ..Attributes::default() };
    Request::new(kind::OPEN).path(path).number(flags).attributes(attributes)
}

fn read(handle: usize, offset: u64, length: u32) -> Request {
    Request::new(kind::READ).handle(handle).long(offset).number(length)
}

fn write(handle: usize, offset: u64, bytes: &[u8]) -> Request {
    Request::new(kind::WRITE).handle(handle).long(offset).bytes(bytes)
}

fn opens(pair: &mut Pair) {
    for path in PATHS {
        for flags in 0..64 {
            let permissions = [None, Some(0o640), Some(0o100_777), Some(0)][flags as usize / 2 % 4];
            pair.rebuild(make_tree);
            let Some(handle) = pair.ask(open(path, flags, permissions)).handle else { continue };
            pair.ask(Request::new(kind::FSTAT).handle(handle));
            pair.ask(read(handle, 0, 100));
            pair.ask(write(handle, 4, b"written"));
            pair.ask(read(handle, 0, 100));
            pair.ask(Request::new(kind::FSETSTAT).handle(handle).attributes(Attributes::size(3)));
            pair.ask(Request::new(kind::FSTAT).handle(handle));
            pair.close(handle);
            pair.ask(Request::new(kind::LSTAT).path(path));
        }
    }
}

fn one_path(pair: &mut Pair) {
    for path in PATHS {
        let plain = |kind| Request::new(kind).path(path);
        for request in [
            plain(kind::STAT),
            plain(kind::LSTAT),
            plain(kind::REALPATH),
            plain(kind::READLINK),
            plain(kind::OPENDIR),
            plain(kind::SETSTAT).attributes(Attributes::default()),
            Request::extension("lsetstat@openssh.com").path(path).attributes(Attributes::default()),
            Request::extension("expand-path@openssh.com").path(path),
            plain(kind::REMOVE),
            plain(kind::RMDIR),
            plain(kind::MKDIR).attributes(Attributes::default()),
            plain(kind::MKDIR).attributes(Attributes::permissions(0o2770)),
            plain(kind::MKDIR).attributes(Attributes::permissions(0o040_700)),
        ] {
            pair.rebuild(make_tree);
            if let Some(handle) = pair.ask(request).handle {
                pair.list(handle);
                pair.close(handle);
            }
            pair.ask(plain(kind::LSTAT));
        }
    }
}

/// Where links lead by what is no directory, or a closed one.
fn odd_targets(pair: &mut Pair) {
    for target in ["file/../executable", "/file/../missing", "closed/../file", "directory/../file", "missing/../file"] {
        pair.rebuild(make_tree);
        pair.ask(Request::new(kind::SYMLINK).target(target).path("odd"));
        for looking in [kind::REALPATH, kind::STAT, kind::LSTAT, kind::READLINK, kind::OPENDIR] {
            pair.ask(Request::new(looking).path("odd"));
        }
        pair.ask(Request::extension("expand-path@openssh.com").path("~/odd"));
        pair.ask(open("odd", flag::READ, None));
    }
}

fn two_paths(pair: &mut Pair) {
    for first in FEWER_PATHS {
        for second in FEWER_PATHS {
            for request in [
                Request::new(kind::RENAME),
                Request::new(kind::SYMLINK),
                Request::extension("posix-rename@openssh.com"),
                Request::extension("hardlink@openssh.com"),
            ] {
                // A target is no path of its server's: it is kept as it is sent.
                let is_symlink = request.kind == kind::SYMLINK;
                let request = if is_symlink { request.target(first) } else { request.path(first) };
                pair.rebuild(make_tree);
                if !pair.ask(request.path(second)).agree() {
                    continue;
                }
                pair.ask(Request::new(kind::LSTAT).path(first));
                pair.ask(Request::new(kind::LSTAT).path(second));
                pair.ask(Request::new(kind::READLINK).path(second));
            }
        }
    }
}

fn handles(pair: &mut Pair) {
    for flags in [
        0,
        flag::READ,
        flag::WRITE,
        flag::READ | flag::WRITE,
        flag::WRITE | flag::APPEND,
        flag::READ | flag::WRITE | flag::APPEND,
    ] {
        pair.rebuild(make_tree);
        let handle = pair.open(open("file", flags, None));
        each_on(pair, handle);
    }
    pair.rebuild(make_tree);
    let directory = pair.open(Request::new(kind::OPENDIR).path("directory"));
    each_on(pair, directory);
    let closed = pair.open(open("file", flag::READ, None));
    pair.close(closed);
    each_on(pair, closed);
    for bytes in [&b""[..], b"x", &[0; 4], &[0xff; 4], &[0; 8], &[0xff; 256], &[0; 300]] {
        let bogus = pair.bogus(bytes);
        each_on(pair, bogus);
    }
}

/// Every request that takes a handle.
fn each_on(pair: &mut Pair, handle: usize) {
    let plain = |kind| Request::new(kind).handle(handle);
    let extension = |name| Request::extension(name).handle(handle);
    for request in [
        plain(kind::FSTAT),
        read(handle, 0, 5),
        read(handle, 0, 0),
        read(handle, 100, 5),
        write(handle, 0, b""),
        write(handle, 2, b"two"),
        plain(kind::FSETSTAT).attributes(Attributes::default()),
        plain(kind::FSETSTAT).attributes(Attributes::permissions(0o711)),
        plain(kind::FSETSTAT).attributes(Attributes::times(1_000_000_000, 1_100_000_000)),
        plain(kind::FSETSTAT).attributes(Attributes::size(4)),
        plain(kind::FSTAT),
        plain(kind::READDIR),
        plain(kind::READDIR),
        extension("fsync@openssh.com"),
        Request::extension("copy-data").handle(handle).long(0).long(3).handle(handle).long(100),
        plain(kind::CLOSE),
        plain(kind::CLOSE),
        plain(kind::FSTAT),
        read(handle, 0, 5),
        write(handle, 0, b"x"),
        plain(kind::READDIR),
        extension("fsync@openssh.com"),
        extension("fstatvfs@openssh.com"),
    ] {
        pair.ask(request);
    }
}

fn reads_and_writes(pair: &mut Pair) {
    pair.rebuild(make_tree);
    let handle = pair.open(open("new", flag::READ | flag::WRITE | flag::CREAT | flag::EXCL, Some(0o600)));
    let large: Vec<u8> = (0..200_000_u32).map(|index| (index % 251) as u8).collect();
    for offset in [0, 200_000, 150_000, 1 << 33] {
        pair.ask(write(handle, offset, &large));
    }
    for offset in [1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX] {
        pair.ask(write(handle, offset, b"far"));
        pair.ask(write(handle, offset, b""));
        pair.ask(read(handle, offset, 5));
        pair.ask(read(handle, offset, 0));
    }
    for offset in [0, 1, 99_999, 350_000, 400_000, 1 << 33, (1 << 33) + 199_999, (1 << 33) + 200_000, 1 << 40] {
        for length in [0, 1, 32_768, 200_000, 261_120, 261_121, 262_144, 1 << 20, u32::MAX] {
            pair.ask(read(handle, offset, length));
        }
    }
    pair.ask(Request::new(kind::FSETSTAT).handle(handle).attributes(Attributes::size(20)));
    pair.close(handle);
    let handle = pair.open(open("file", flag::READ | flag::WRITE | flag::APPEND, None));
    for offset in [0, 3, 1 << 20, u64::MAX] {
        pair.ask(write(handle, offset, b" appended"));
        pair.ask(read(handle, 0, 100));
    }
    pair.close(handle);
}

fn attributes(pair: &mut Pair) {
    let (size, permissions) = (Attributes::size, Attributes::permissions);
    let all = Attributes { size: Some(5), permissions: Some(0o604), times: Some((1, 2)), ..Attributes::default() };
    let extended = vec![(b"name@example.org".to_vec(), b"value".to_vec())];
    let changes = [
        Attributes::default(),
        size(0),
        size(5),
        size(1 << 20),
        size(1 << 63),
        size(u64::MAX),
        permissions(0),
        permissions(0o600),
        permissions(0o777),
        permissions(0o4755),
        permissions(0o2755),
        permissions(0o1777),
        permissions(0o120_644),
        permissions(u32::MAX),
        Attributes::times(0, 0),
        Attributes::times(1_000_000_000, 1_000_000_001),
        Attributes::times(u32::MAX, u32::MAX),
        Attributes::times(0x8000_0000, 0x7fff_ffff),
        Attributes::owner(0, 0),
        Attributes::owner(64_123, 64_123),
        Attributes::owner(64_123, 0),
        Attributes::owner(u32::MAX, u32::MAX),
        Attributes { owner: Some((64_123, 64_123)), ..all.clone() },
        all.clone(),
        Attributes { size: None, ..all.clone() },
        Attributes { owner: Some((0, 0)), ..all.clone() },
        Attributes { extended, ..Attributes::default() },
    ];
    for path in [
        &b"file"[..],
        b"read-only",
        b"unreadable",
        b"directory",
        b"link",
        b"dangling",
        b"loop",
        b"link-to-directory",
        b"closed",
        b"closed/inside",
        b"missing",
        b"",
    ] {
        for change in &changes {
            for request in [Request::new(kind::SETSTAT), Request::extension("lsetstat@openssh.com")] {
                pair.rebuild(make_tree);
                let answers = pair.ask(request.path(path).attributes(change.clone()));
                // Where the first change of several fails, OpenSSH goes on to the next.
                if answers.ours != Seen::Status(code::OK) {
                    continue;
                }
                pair.ask(Request::new(kind::LSTAT).path(path));
                pair.ask(Request::new(kind::STAT).path(path));
            }
        }
    }
    for request in [Request::new(kind::SETSTAT), Request::extension("lsetstat@openssh.com")] {
        for mode in [0, 0o755] {
            pair.ask(request.clone().path("/").attributes(Attributes::permissions(mode)));
            for looking in [kind::STAT, kind::LSTAT, kind::REALPATH, kind::OPENDIR] {
                pair.ask(Request::new(looking).path("/"));
            }
            pair.ask(Request::new(kind::STAT).path("/file"));
        }
    }
    for flags in [flag::READ, flag::WRITE, flag::READ | flag::WRITE | flag::APPEND] {
        for change in &changes {
            pair.rebuild(make_tree);
            let handle = pair.open(open("file", flags, None));
            let answers = pair.ask(Request::new(kind::FSETSTAT).handle(handle).attributes(change.clone()));
            if answers.ours == Seen::Status(code::OK) {
                pair.ask(Request::new(kind::FSTAT).handle(handle));
            }
            pair.close(handle);
        }
    }
    for change in &changes {
        pair.rebuild(make_tree);
        let handle = pair.open(Request::new(kind::OPENDIR).path("directory"));
        pair.ask(Request::new(kind::FSETSTAT).handle(handle).attributes(change.clone()));
        pair.ask(Request::new(kind::LSTAT).path("directory"));
        pair.close(handle);
    }
}

fn listings(pair: &mut Pair) {
    pair.rebuild(|root| {
        make_tree(root);
        for index in 0..1000 {
            fs::write(root.join("directory").join(format!("{index:0100}")), vec![0; index]).unwrap();
        }
    });
    for path in ["directory", ".", "empty-directory", "link-to-directory"] {
        let handle = pair.open(Request::new(kind::OPENDIR).path(path));
        pair.list(handle);
        pair.ask(Request::new(kind::READDIR).handle(handle));
        pair.ask(Request::new(kind::READDIR).handle(handle));
        pair.close(handle);
    }
    let removed = pair.open(Request::new(kind::OPENDIR).path("empty-directory"));
    pair.ask(Request::new(kind::RMDIR).path("empty-directory"));
    pair.ask(Request::new(kind::READDIR).handle(removed));
    pair.ask(Request::new(kind::READDIR).handle(removed));
    pair.close(removed);
    let closed = pair.open(Request::new(kind::OPENDIR).path("directory"));
    pair.ask(Request::new(kind::SETSTAT).path("directory").attributes(Attributes::permissions(0)));
    pair.list(closed);
    pair.close(closed);
    pair.ask(Request::new(kind::SETSTAT).path("directory").attributes(Attributes::permissions(0o755)));
    for (accessed, modified) in [(0, 0), (1, 1_000_000_000), (0x7fff_ffff, 0x8000_0000), (u32::MAX, u32::MAX)] {
        pair.ask(Request::new(kind::SETSTAT).path("file").attributes(Attributes::times(accessed, modified)));
        let handle = pair.open(Request::new(kind::OPENDIR).path("."));
        pair.list(handle);
        pair.close(handle);
    }
}

fn copies(pair: &mut Pair) {
    for (source, length, destination) in [
        (0, 5, 0),
        (0, 0, 0),
        (3, 0, 20),
        (0, 100, 0),
        (12, 0, 0),
        (0, 1 << 20, 0),
        (13, 5, 0),
        (1 << 40, 5, 0),
        (0, 5, 1 << 20),
        (u64::MAX, 5, 0),
        (0, 5, u64::MAX),
        (1, 5, 6),
        (1, 6, 6),
        (6, 5, 1),
        (6, 6, 1),
    ] {
        for (source_name, destination_name) in [
            ("to", "from"),
            ("from", "from"),
            ("from", "read-only"),
            ("read-only", "to"),
            ("appended", "to"),
            ("from", "appended"),
        ] {
            pair.rebuild(make_tree);
            let both = flag::READ | flag::WRITE;
            let [from, to] = ["file", "executable"].map(|path| pair.open(open(path, both, None)));
            let appended = pair.open(open("directory/inside", flag::WRITE | flag::APPEND, None));
            let read_only = pair.open(open("read-only", flag::READ, None));
            let named = |name| match name {
                "from" => from,
                "to" => to,
                "appended" => appended,
                _ => read_only,
            };
            let (source_handle, destination_handle) = (named(source_name), named(destination_name));
            let copy = Request::extension("copy-data").handle(source_handle).long(source).long(length);
            if pair.ask(copy.handle(destination_handle).long(destination)).agree() {
                pair.ask(Request::new(kind::FSTAT).handle(destination_handle));
                pair.ask(read(destination_handle, 0, 1000));
            }
            for handle in [from, to, appended, read_only] {
                pair.close(handle);
            }
        }
    }
}

/// Copies within one file that has two names. To the end of what grows by it OpenSSH copies for ever.
pub fn copies_onto_twins(pair: &mut Pair) {
    let both = flag::READ | flag::WRITE;
    for (source, length, destination) in
        [(0, 30, 40), (0, 5, 0), (0, 5, 5), (6, 15, 9), (8, 20, 15), (12, 0, 0), (12, 5, 3), (20, 20, 25)]
    {
        pair.rebuild(make_tree);
        let [from, to] = ["file", "twin"].map(|path| pair.open(open(path, both, None)));
        let copy = Request::extension("copy-data").handle(from).long(source).long(length);
        if pair.ask(copy.handle(to).long(destination)).agree() {
            pair.ask(read(to, 0, 1000));
        }
        pair.close(from);
        pair.close(to);
    }
}

fn extensions(pair: &mut Pair) {
    pair.rebuild(make_tree);
    pair.ask(Request::extension("no-such-extension@example.org"));
    pair.ask(Request::extension(""));
    for (users, groups) in [(&[0, 64_123, 4_000_000_000][..], &[0, 1][..]), (&[], &[]), (&[1], &[])] {
        let numbers = |ids: &[u32]| ids.iter().flat_map(|id| id.to_be_bytes()).collect::<Vec<u8>>();
        let request = Request::extension("users-groups-by-id@openssh.com");
        pair.ask(request.bytes(numbers(users)).bytes(numbers(groups)));
    }
    for path in ["missing", "", "dangling", "loop", "file/below", "closed/inside"] {
        pair.ask(Request::extension("statvfs@openssh.com").path(path));
    }
}
