//! How the handles of a request were opened, and what they stand for on the oracle's disk by now, whatever became of
//! the names: each is held open here as well.

use super::facts::{inside, normal};
use super::request::{Field, Request};
use rustix::fs::{Mode, OFlags, open};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use strongroom_tests::packet::{Attributes, Entry, flag};

/// How the handle of a request was opened.
#[derive(Clone)]
pub enum Opened {
    File(OpenFile),
    Directory(OpenDirectory),
    /// It is closed, or it never was one.
    Unknown,
}

#[derive(Clone)]
pub struct OpenFile {
    flags: u32,
    /// As the client names it, and as the oracle was told it.
    path: Vec<u8>,
    told: Vec<u8>,
    file: Rc<File>,
}

#[derive(Clone)]
pub struct OpenDirectory {
    /// As the oracle was told it.
    pub told: Vec<u8>,
    /// How much had been changed by then.
    pub changes_before: usize,
    /// Links were followed on the way to it.
    pub is_by_link: bool,
    directory: Rc<File>,
}

impl Opened {
    /// What the successful `request` has opened, which is at `path` on the oracle's disk.
    pub fn by(request: &Request, path: &Path, told: Vec<u8>, changes_before: usize) -> Self {
        match request.fields.as_slice() {
            [Field::Path(sent), Field::Number(flags), ..] => {
                // A file that nobody may read can be held so.
                let file = Rc::new(hold(path, OFlags::PATH));
                Self::File(OpenFile { flags: *flags, path: sent.clone(), told, file })
            }
            _ => {
                let directory = Rc::new(hold(path, OFlags::RDONLY | OFlags::DIRECTORY));
                let is_by_link = path.canonicalize().is_ok_and(|real| real != path);
                Self::Directory(OpenDirectory { told, changes_before, is_by_link, directory })
            }
        }
    }

    pub fn is_same_file(&self, other: &Self) -> bool {
        matches!((self, other), (Self::File(one), Self::File(two)) if one.is_same_file(two))
    }
}

impl OpenFile {
    pub fn can_read(&self) -> bool {
        self.flags & (flag::READ | flag::WRITE) != flag::WRITE
    }

    pub fn can_write(&self) -> bool {
        self.flags & flag::WRITE != 0
    }

    pub fn appends(&self) -> bool {
        self.can_write() && self.flags & flag::APPEND != 0
    }

    /// By this OpenSSH takes two handles for one file.
    pub fn is_told_as(&self, other: &Self) -> bool {
        self.told == other.told
    }

    pub fn has_path_of(&self, other: &Self) -> bool {
        normal(&self.path) == normal(&other.path)
    }

    pub fn is_same_file(&self, other: &Self) -> bool {
        self.metadata().ino() == other.metadata().ino()
    }

    pub fn metadata(&self) -> Metadata {
        self.file.metadata().expect("an open file has metadata")
    }
}

impl OpenDirectory {
    pub fn inode(&self) -> u64 {
        self.metadata().ino()
    }

    /// Where OpenSSH looks for what is in it: `root` is where relative paths start.
    pub fn by_path(&self, root: &Path) -> PathBuf {
        root.join(OsStr::from_bytes(&self.told))
    }

    /// What is in it now, and what is to be told of each, without long names; links lead where they lead in a jail. Of
    /// what is in a closed directory nothing can be found out but the kind, beside which stand the bits that clients
    /// expect.
    pub fn entries(&self, root: &Path) -> Vec<Entry> {
        let attributes = self.metadata();
        let is_closed = attributes.mode() & 0o100 == 0;
        let set_mode =
            |mode| self.directory.set_permissions(Permissions::from_mode(mode)).expect("a directory of ours");
        set_mode(attributes.mode() & 0o7777 | 0o700);
        let dots = [b".".to_vec(), b"..".to_vec()].map(|name| (name, attributes.clone()));
        let entries = fs::read_dir(self.place()).expect("an open directory can be read");
        let named = entries.map(|entry| {
            let entry = entry.expect("an entry");
            (entry.file_name().into_encoded_bytes(), entry.metadata().expect("an entry has metadata"))
        });
        let entry = |(name, metadata): (Vec<u8>, Metadata)| {
            let attributes = if is_closed { kind_alone(&metadata) } else { self.attributes(&name, &metadata, root) };
            Entry { name, longname: Vec::new(), attributes }
        };
        let entries = dots.into_iter().chain(named).map(entry).collect();
        set_mode(attributes.mode() & 0o7777);
        entries
    }

    /// What an entry of it leads to, and is not followed.
    pub fn inode_of(&self, name: &[u8]) -> Option<u64> {
        let metadata = fs::symlink_metadata(self.place().join(OsStr::from_bytes(name)));
        metadata.map(|metadata| metadata.ino()).ok()
    }

    /// By its name OpenSSH comes to the same entry.
    pub fn is_found_by_path(&self, root: &Path, name: &[u8]) -> bool {
        let by_path = fs::symlink_metadata(self.by_path(root).join(OsStr::from_bytes(name)));
        by_path.is_ok_and(|metadata| Some(metadata.ino()) == self.inode_of(name))
    }

    fn attributes(&self, name: &[u8], metadata: &Metadata, root: &Path) -> Attributes {
        let target = fs::read_link(self.place().join(OsStr::from_bytes(name))).ok().filter(|_| metadata.is_symlink());
        let target_length = target.map(|target| inside(root, target.as_os_str().as_bytes()).len() as u64);
        let seconds = |time: i64| time.clamp(0, i64::from(u32::MAX)) as u32;
        Attributes {
            size: Some(target_length.unwrap_or(metadata.len())),
            owner: Some((metadata.uid(), metadata.gid())),
            permissions: Some(metadata.mode()),
            times: Some((seconds(metadata.atime()), seconds(metadata.mtime()))),
            extended: Vec::new(),
        }
    }

    fn metadata(&self) -> Metadata {
        self.directory.metadata().expect("an open directory has metadata")
    }

    /// A path to what is open.
    fn place(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.directory.as_raw_fd()))
    }
}

fn kind_alone(metadata: &Metadata) -> Attributes {
    let kind = metadata.mode() & 0o170_000;
    let bits = match kind {
        0o040_000 => 0o755,
        0o120_000 => 0o777,
        _ => 0o644,
    };
    Attributes { permissions: Some(kind | bits), times: Some((0, 0)), ..Attributes::default() }
}

fn hold(path: &Path, flags: OFlags) -> File {
    let held = open(path, flags | OFlags::CLOEXEC, Mode::empty());
    held.unwrap_or_else(|error| panic!("{}: what a server has opened, the test cannot: {error}", path.display())).into()
}
