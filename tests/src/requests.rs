//! Requests with nothing wrong in them: every packet and extension with a body that is whole, and every place for a path with
//! a path of choice in it. Tests cut them, spoil them, and compare how they are answered.

use crate::Client;
use crate::packet::{Attributes, Body, flag, kind};

/// One request, by a name that tells a failed test from another.
#[derive(Clone, Debug)]
pub struct Request {
    pub name: String,
    pub kind: u8,
    pub body: Body,
}

impl Request {
    fn packet(name: impl Into<String>, kind: u8, body: Body) -> Self {
        Self { name: name.into(), kind, body }
    }

    fn extended(extension: &str, place: &str, body: Body) -> Self {
        let name = format!("{extension}{place}");
        Self { name, kind: kind::EXTENDED, body: Body::new().string(extension).raw(body.bytes()) }
    }

    /// The kind of the reply and what follows its id, byte for byte.
    #[track_caller]
    pub fn answer(&self, client: &mut Client) -> (u8, Vec<u8>) {
        let id = client.send(self.kind, self.body.clone());
        let (kind, body) = client.receive_packet().unwrap_or_else(|| panic!("{}: the server ended", self.name));
        let (found, rest) = body.split_first_chunk::<4>().expect("a reply has an id");
        assert_eq!(u32::from_be_bytes(*found), id, "{}", self.name);
        (kind, rest.to_vec())
    }
}

/// What requests are about: paths of a file, of a link and of nothing yet, and handles of a file and of a directory.
#[derive(Clone, Debug)]
pub struct Subjects<'a> {
    pub file: &'a str,
    pub link: &'a str,
    pub new: &'a str,
    pub file_handle: &'a [u8],
    pub directory_handle: &'a [u8],
}

/// Every request but INIT, each once. Those that close a handle or remove something come last.
pub fn every_request(subjects: &Subjects<'_>) -> Vec<Request> {
    let Subjects { file, link, new, file_handle, directory_handle } = *subjects;
    let path = |kind, name, path: &str| Request::packet(name, kind, Body::new().string(path));
    let handle = || Body::new().string(file_handle);
    let changes = all_changes();
    let extended = |extension, body| Request::extended(extension, "", body);
    vec![
        Request::packet("open", kind::OPEN, Body::new().string(file).u32(flag::READ).attributes(&changes)),
        Request::packet("read", kind::READ, handle().u64(0).u32(100)),
        Request::packet("write", kind::WRITE, handle().u64(0).string("data")),
        path(kind::LSTAT, "lstat", file),
        Request::packet("fstat", kind::FSTAT, handle()),
        Request::packet("setstat", kind::SETSTAT, Body::new().string(file).attributes(&changes)),
        Request::packet("fsetstat", kind::FSETSTAT, handle().attributes(&changes)),
        path(kind::OPENDIR, "opendir", "/"),
        Request::packet("readdir", kind::READDIR, Body::new().string(directory_handle)),
        path(kind::REALPATH, "realpath", file),
        path(kind::STAT, "stat", file),
        path(kind::READLINK, "readlink", link),
        extended("statvfs@openssh.com", Body::new().string(file)),
        extended("fstatvfs@openssh.com", handle()),
        extended("fsync@openssh.com", handle()),
        extended("lsetstat@openssh.com", Body::new().string(file).attributes(&Attributes { size: None, ..changes })),
        extended("limits@openssh.com", Body::new()),
        extended("expand-path@openssh.com", Body::new().string("~/")),
        extended("copy-data", handle().u64(0).u64(1).string(file_handle).u64(2)),
        extended("home-directory", Body::new().string("")),
        extended("users-groups-by-id@openssh.com", Body::new().string([0; 8]).string([0; 4])),
        extended("check-file", handle().raw(check().bytes())),
        extended("check-file-handle", handle().raw(check().bytes())),
        extended("check-file-name", Body::new().string(file).raw(check().bytes())),
        Request::packet("symlink", kind::SYMLINK, Body::new().string("target").string(new)),
        extended("hardlink@openssh.com", Body::new().string(file).string(new)),
        Request::packet("mkdir", kind::MKDIR, Body::new().string(new).attributes(&Attributes::permissions(0o755))),
        path(kind::RMDIR, "rmdir", new),
        Request::packet("rename", kind::RENAME, Body::new().string(file).string(new)),
        extended("posix-rename@openssh.com", Body::new().string(new).string(file)),
        path(kind::REMOVE, "remove", file),
        Request::packet("close", kind::CLOSE, handle()),
    ]
}

/// Every request that takes a path, once for each place that it has for one, with `path` there. Another place has
/// `file` if something must be there, and `new` if nothing may.
pub fn with_path(path: impl AsRef<[u8]>, file: &str, new: &str) -> Vec<Request> {
    let path = path.as_ref();
    let one = || Body::new().string(path);
    let with = |changes: &Attributes| one().attributes(changes);
    let (to_new, from_file) = (|| one().string(new), || Body::new().string(file).string(path));
    let open = |flags: u32| Request::packet(format!("open with {flags}"), kind::OPEN, one().u32(flags).u32(0));
    let mut requests: Vec<Request> = OPENINGS.into_iter().map(open).collect();
    requests.push(Request::packet("setstat, size", kind::SETSTAT, with(&Attributes::size(0))));
    for (what, changes) in [("mode", Attributes::permissions(0o750)), ("times", Attributes::times(1, 1))] {
        requests.push(Request::packet(format!("setstat, {what}"), kind::SETSTAT, with(&changes)));
        requests.push(Request::extended("lsetstat@openssh.com", &format!(", {what}"), with(&changes)));
    }
    requests.extend([
        Request::packet("lstat", kind::LSTAT, one()),
        Request::packet("opendir", kind::OPENDIR, one()),
        Request::packet("remove", kind::REMOVE, one()),
        Request::packet("mkdir", kind::MKDIR, one().u32(0)),
        Request::packet("rmdir", kind::RMDIR, one()),
        Request::packet("realpath", kind::REALPATH, one()),
        Request::packet("stat", kind::STAT, one()),
        Request::packet("rename from", kind::RENAME, to_new()),
        Request::packet("rename to", kind::RENAME, from_file()),
        Request::packet("readlink", kind::READLINK, one()),
        Request::packet("symlink with the target", kind::SYMLINK, to_new()),
        Request::packet("symlink at", kind::SYMLINK, Body::new().string("target").string(path)),
        Request::extended("posix-rename@openssh.com", " from", to_new()),
        Request::extended("posix-rename@openssh.com", " to", from_file()),
        Request::extended("hardlink@openssh.com", " of", to_new()),
        Request::extended("hardlink@openssh.com", " at", from_file()),
        Request::extended("statvfs@openssh.com", "", one()),
        Request::extended("expand-path@openssh.com", "", one()),
        Request::extended("check-file-name", "", one().raw(check().bytes())),
    ]);
    requests
}

const OPENINGS: [u32; 8] = [
    flag::READ,
    flag::WRITE,
    flag::READ | flag::WRITE,
    flag::WRITE | flag::APPEND,
    flag::WRITE | flag::TRUNC,
    flag::WRITE | flag::CREAT,
    flag::WRITE | flag::CREAT | flag::TRUNC,
    flag::WRITE | flag::CREAT | flag::EXCL,
];

/// One of each kind. The owner is nobody's to give away, which is another matter.
fn all_changes() -> Attributes {
    Attributes {
        size: Some(10),
        permissions: Some(0o644),
        times: Some((1_000_000_000, 1_000_000_000)),
        owner: Some((0, 0)),
        extended: vec![(b"name".to_vec(), b"value".to_vec())],
    }
}

/// What follows the file in a request for hashes.
fn check() -> Body {
    Body::new().string("md5,sha256").u64(0).u64(0).u32(0)
}
