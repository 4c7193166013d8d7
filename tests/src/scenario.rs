//! One long conversation that touches every request, written down as text. Storages that promise the same must give
//! the same text; what may rightly differ (owners, times, inodes, free space) is not in it.

use crate::packet::{Attributes, Body, Entry, flag};
use crate::tree::Noise;
use crate::{Client, Reply, Status};
use std::fmt::Debug;

/// Everything that was asked and answered, a line each. Leaves a tree behind, for comparisons on disk.
pub fn converse(client: &mut Client) -> Vec<String> {
    let mut minutes = Minutes(Vec::new());
    without_links(client, &mut minutes);
    links(client, &mut minutes);
    attributes(client, &mut minutes);
    minutes.0
}

/// The part of it that storages without links can have.
pub fn converse_without_links(client: &mut Client) -> Vec<String> {
    let mut minutes = Minutes(Vec::new());
    without_links(client, &mut minutes);
    minutes.0
}

fn without_links(client: &mut Client, minutes: &mut Minutes) {
    files(client, minutes);
    directories(client, minutes);
    names(client, minutes);
}

struct Minutes(Vec<String>);

impl Minutes {
    fn note<T: Debug>(&mut self, what: &str, answer: Result<T, Status>) -> Option<T> {
        let line = match &answer {
            Ok(value) => format!("{what}: {value:?}"),
            Err(status) => format!("{what}: status {} {}", status.code, status.message),
        };
        self.0.push(line);
        answer.ok()
    }

    fn shape(&mut self, what: &str, answer: Result<Attributes, Status>) {
        self.note(what, answer.map(|attributes| shape(&attributes)));
    }

    fn opened(&mut self, what: &str, answer: Result<Vec<u8>, Status>) -> Vec<u8> {
        let line = match &answer {
            Ok(_) => format!("{what}: a handle"),
            Err(status) => format!("{what}: status {} {}", status.code, status.message),
        };
        self.0.push(line);
        answer.unwrap_or_else(|_| b"no such handle".to_vec())
    }
}

/// Kind and permissions, and the size of what is no directory.
fn shape(attributes: &Attributes) -> String {
    let bits = attributes.permissions.map_or_else(|| "-".to_owned(), |bits| format!("{bits:o}"));
    let size = attributes.size.filter(|_| !attributes.is_directory());
    format!("{bits} {size:?}")
}

fn files(client: &mut Client, minutes: &mut Minutes) {
    let mut noise = Noise::new(7);
    let all = flag::READ | flag::WRITE | flag::CREAT;
    let handle = minutes.opened("create", client.open("/file", all | flag::EXCL, Some(0o640)));
    let bytes = noise.bytes(100_000);
    for (index, chunk) in bytes.chunks(7_001).enumerate() {
        minutes.note("write", client.write(&handle, index as u64 * 7_001, chunk));
    }
    minutes.note("read within", client.read(&handle, 99_990, 100));
    minutes.note("read at the end", client.read(&handle, 100_000, 100));
    minutes.note("read nothing", client.read(&handle, 5, 0));
    minutes.note("read far beyond", client.read(&handle, u64::MAX / 4, 9));
    minutes.note("write nothing beyond", client.write(&handle, 200_000, b""));
    minutes.note("write beyond", client.write(&handle, 100_010, b"after a hole"));
    minutes.note("read the hole", client.read(&handle, 99_995, 64));
    minutes.shape("fstat", client.fstat(&handle));
    minutes.note("cut", client.fsetstat(&handle, &Attributes::size(12)));
    minutes.note("read the rest", client.read(&handle, 0, 100));
    minutes.note("grow", client.fsetstat(&handle, &Attributes::size(20)));
    minutes.note("read what grew", client.read(&handle, 0, 100));
    minutes.note("fsync", client.fsync(&handle));
    minutes.note("readdir of a file", client.readdir(&handle));
    minutes.note("close", client.close(&handle));
    minutes.note("close again", client.close(&handle));
    minutes.note("read closed", client.read(&handle, 0, 1));
    minutes.opened("exclusive again", client.open("/file", all | flag::EXCL, None));
    minutes.opened("a missing one", client.open("/missing", flag::READ, None));
    minutes.opened("below a file", client.open("/file/below", all, None));
    minutes.opened("in a missing directory", client.open("/none/file", all, None));

    let handle = minutes.opened("append", client.open("/file", flag::WRITE | flag::APPEND, None));
    minutes.note("append at 0", client.write(&handle, 0, b" and more"));
    minutes.note("append at 3", client.write(&handle, 3, b" and more"));
    minutes.note("read a handle that writes", client.read(&handle, 0, 1));
    minutes.note("close", client.close(&handle));
    minutes.note("all of it", client.get("/file"));

    let handle = minutes.opened("for reading", client.open("/file", flag::READ, None));
    minutes.note("write a handle that reads", client.write(&handle, 0, b"x"));
    minutes.note("close", client.close(&handle));
    let handle = minutes.opened("truncate", client.open("/file", flag::WRITE | flag::TRUNC, None));
    minutes.note("close", client.close(&handle));
    minutes.shape("truncated", client.stat("/file"));
    minutes.note("put", client.put("/file", b"hello, world\n"));
    minutes.note("put", client.put("/other", &noise.bytes(300_000)));
}

fn directories(client: &mut Client, minutes: &mut Minutes) {
    minutes.note("mkdir", client.mkdir("/directory", Some(0o750)));
    minutes.shape("made", client.stat("/directory"));
    minutes.note("mkdir again", client.mkdir("/directory", None));
    minutes.note("mkdir over a file", client.mkdir("/file", None));
    minutes.note("mkdir below nothing", client.mkdir("/none/directory", None));
    for index in 0..250 {
        minutes.note("fill", client.put(format!("/directory/{index:03}"), &[b'x'; 3]));
    }
    minutes.note("list", listing(client, "/directory"));
    minutes.note("list a file", listing(client, "/file"));
    minutes.note("list nothing", listing(client, "/none"));
    let handle = minutes.opened("opendir", client.opendir("/directory"));
    minutes.note("read a directory", client.read(&handle, 0, 10));
    minutes.note("close", client.close(&handle));
    minutes.note("rmdir a full one", client.rmdir("/directory"));
    minutes.note("rmdir a file", client.rmdir("/file"));
    minutes.note("rmdir nothing", client.rmdir("/none"));
    minutes.note("remove a directory", client.remove("/directory"));
    for index in 0..250 {
        minutes.note("empty", client.remove(format!("/directory/{index:03}")));
    }
    minutes.note("list the empty one", listing(client, "/directory"));
    minutes.note("rmdir", client.rmdir("/directory"));
    minutes.note("gone", client.stat("/directory"));
    minutes.note("rmdir the root", client.rmdir("/").map_err(|status| Status { message: String::new(), ..status }));
}

fn names(client: &mut Client, minutes: &mut Minutes) {
    for path in ["", ".", "/", "/..", "/../..", "//file", "/./file", "/a-missing-name"] {
        let real = client.realpath(path).map(|path| String::from_utf8_lossy(&path).into_owned());
        minutes.note(&format!("realpath {path:?}"), real);
    }
    minutes.note("realpath below nothing", client.realpath("/none/below"));
    minutes.note("stat of nothing", client.stat(""));
    minutes.note("mkdir", client.mkdir("/from", Some(0o755)));
    minutes.note("put", client.put("/from/a", b"a"));
    minutes.note("rename", client.rename("/from/a", "/from/b"));
    minutes.note("rename what is gone", client.rename("/from/a", "/from/b"));
    minutes.note("rename onto", client.rename("/from/b", "/file"));
    minutes.note("rename to the same", client.rename("/from/b", "/from/b"));
    minutes.note("posix-rename onto", client.posix_rename("/from/b", "/other"));
    minutes.note("what it is now", client.get("/other"));
    minutes.note("rename a directory", client.rename("/from", "/to"));
    minutes.note("mkdir", client.mkdir("/to/sub", Some(0o755)));
    minutes.note("rename into itself", client.posix_rename("/to", "/to/sub/to"));
    minutes.note("posix-rename a file onto a directory", client.posix_rename("/other", "/to"));
    minutes.note("posix-rename a directory onto a file", client.posix_rename("/to", "/other"));
    for name in ["with space", "-leading", "line\nfeed", "quote\"'", "ünïcödé", ".dot", "~tilde", "a*?[b]"] {
        minutes.note(name, client.put(format!("/to/{name}"), name.as_bytes()));
    }
    minutes.note("long", client.put(format!("/to/{}", "n".repeat(255)), b"255"));
    minutes.note("too long", client.put(format!("/to/{}", "n".repeat(256)), b"256"));
    minutes.note("list", listing(client, "/to"));
    let bytes = b"/to/not utf-8: \xff\xfe\xe9";
    minutes.note("put", client.put(bytes, b"bytes"));
    minutes.note("get", client.get(bytes));
    minutes.note("realpath", client.realpath(bytes));
    minutes.note("remove", client.remove(bytes));
}

fn links(client: &mut Client, minutes: &mut Minutes) {
    minutes.note("symlink", client.symlink("file", "/relative"));
    minutes.note("symlink", client.symlink("/to", "/absolute"));
    minutes.note("symlink", client.symlink("missing", "/dangling"));
    minutes.note("symlink", client.symlink("/loop", "/loop"));
    minutes.note("symlink over a file", client.symlink("x", "/file"));
    for path in ["/relative", "/absolute", "/dangling", "/loop", "/file", "/none"] {
        minutes.note(path, client.readlink(path));
        minutes.shape(path, client.stat(path));
        minutes.shape(
            path,
            client.lstat(path).map(|found| Attributes { permissions: found.permissions, ..Attributes::default() }),
        );
    }
    minutes.note("through", client.get("/relative"));
    minutes.note("through", listing(client, "/absolute"));
    minutes.note("through", client.get("/loop"));
    minutes
        .opened("exclusive at a dangling link", client.open("/dangling", flag::WRITE | flag::CREAT | flag::EXCL, None));
    minutes.note("through a dangling link", client.put("/dangling", b"made"));
    minutes.note("made", client.get("/missing"));
    minutes.note("remove the link", client.remove("/absolute"));
    minutes.note("the target is there", listing(client, "/to"));
    minutes.note("hardlink", client.hardlink("/file", "/hard"));
    minutes.note("hardlink again", client.hardlink("/file", "/hard"));
    minutes.note("hardlink nothing", client.hardlink("/none", "/hard2"));
    minutes.note("write one", client.put("/hard", b"both"));
    minutes.note("read the other", client.get("/file"));
    minutes.note("remove one", client.remove("/hard"));
    minutes.note("the other stays", client.get("/file"));
}

fn attributes(client: &mut Client, minutes: &mut Minutes) {
    minutes.note("chmod", client.setstat("/file", &Attributes::permissions(0o604)));
    minutes.shape("changed", client.stat("/file"));
    minutes.note("chmod with a kind", client.setstat("/file", &Attributes::permissions(0o100_640)));
    minutes.shape("changed", client.stat("/file"));
    minutes.note("times", client.setstat("/file", &Attributes::times(1_000_000_000, 1_100_000_000)));
    minutes.note("times", client.stat("/file").map(|found| found.times));
    minutes.note("times of a link", client.lsetstat("/relative", &Attributes::times(900_000_000, 900_000_001)));
    minutes.note("times of a link", client.lstat("/relative").map(|found| found.times));
    minutes.note("the file's are as they were", client.stat("/file").map(|found| found.times));
    minutes.note("nothing to change", client.setstat("/file", &Attributes::default()));
    minutes.note("nothing to change", client.setstat("/none", &Attributes::default()));
    minutes.note("cut", client.setstat("/file", &Attributes::size(2)));
    minutes.note("cut a directory", client.setstat("/to", &Attributes::size(2)).map_err(|_| kept()));
    let both = Attributes { size: Some(3), permissions: Some(0o600), ..Attributes::default() };
    minutes.note("both", client.setstat("/file", &both));
    minutes.shape("changed", client.stat("/file"));
    minutes.note("statvfs", client.statvfs("/").map(|_| ()));
    minutes.note("statvfs", client.statvfs("/none").map(|_| ()));
    let reply = client.extended("no-such-extension@example.org", Body::new());
    minutes.note("an extension", Ok::<Reply, Status>(reply));
}

/// A refusal of which only that it is one is compared.
fn kept() -> Status {
    Status { code: u32::MAX, message: String::new() }
}

fn listing(client: &mut Client, path: &str) -> Result<Vec<String>, Status> {
    let mut entries = client.entries(path)?;
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(entries.iter().map(|entry| format!("{} {}", String::from_utf8_lossy(&entry.name), kind(entry))).collect())
}

fn kind(entry: &Entry) -> String {
    let first = entry.longname.first().copied().map(char::from);
    format!("{first:?} {}", shape(&entry.attributes))
}
