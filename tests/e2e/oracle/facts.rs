//! What is known of a request apart from its answers: what its paths lead to on the oracle's disk at that moment, and
//! how its handles were opened. By this a difference is told from others that look like it.

use super::request::{Field, Request};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// As Linux has it.
const MAX_LINKS: usize = 40;

/// A path of a request, looked at before the request is put.
pub struct Found {
    /// As lstat(2) and stat(2) have it.
    pub itself: io::Result<Metadata>,
    pub followed: io::Result<Metadata>,
}

/// How the handle of a request was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    File {
        flags: u32,
        path: Vec<u8>,
        inode: u64,
    },
    Directory {
        path: PathBuf,
        inode: u64,
    },
    /// It is closed, or it never was one.
    Unknown,
}

impl Found {
    pub fn of(path: &Path) -> Self {
        Self { itself: fs::symlink_metadata(path), followed: fs::metadata(path) }
    }

    pub fn is_directory(&self) -> bool {
        self.followed.as_ref().is_ok_and(Metadata::is_dir)
    }

    /// A symbolic link that leads nowhere.
    pub fn is_dangling(&self) -> bool {
        self.itself.as_ref().is_ok_and(Metadata::is_symlink) && self.followed.is_err()
    }

    pub fn is_file_itself(&self) -> bool {
        self.itself.as_ref().is_ok_and(Metadata::is_file)
    }
}

impl Opened {
    /// What the successful `request` has opened at `path`.
    pub fn by(request: &Request, path: &Path) -> Self {
        let inode = fs::metadata(path).map_or(0, |metadata| metadata.ino());
        match request.fields.as_slice() {
            [Field::Path(sent), Field::Number(flags), ..] => Self::File { flags: *flags, path: sent.clone(), inode },
            _ => Self::Directory { path: path.to_owned(), inode },
        }
    }

    pub fn is_same_file(&self, other: &Self) -> bool {
        matches!((self, other), (Self::File { inode, .. }, Self::File { inode: other, .. }) if inode == other)
    }

    /// The path by which a directory was opened leads to it no longer, or nothing in it can be looked at by it.
    pub fn is_gone_or_closed(&self) -> bool {
        let Self::Directory { path, inode } = self else { return false };
        fs::metadata(path.join(".")).map_or(true, |metadata| metadata.ino() != *inode)
    }
}

/// Some link on the way of `path`, which begins at `root`, leads above it.
pub fn leads_out(root: &Path, path: &Path) -> bool {
    let mut here = root.to_owned();
    let mut rest: Vec<PathBuf> = vec![path.strip_prefix(root).unwrap_or(path).to_owned()];
    let mut links = 0;
    while let Some(path) = rest.pop() {
        let mut components = path.components();
        let Some(component) = components.next() else { continue };
        rest.push(components.as_path().to_owned());
        match component {
            Component::Normal(name) => here.push(name),
            Component::ParentDir if here == root => return true,
            Component::ParentDir => drop(here.pop()),
            _ => continue,
        }
        let Ok(target) = fs::read_link(&here) else { continue };
        links += 1;
        if links > MAX_LINKS {
            return false;
        }
        here.pop();
        if target.is_absolute() {
            root.clone_into(&mut here);
        }
        rest.push(target.strip_prefix(root).unwrap_or(&target).to_owned());
    }
    false
}

/// A path without what a jail leaves out of it: '.', '..', empty components, a '/' at the end.
pub fn normal(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for component in path.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    [b"/", kept.join(&b'/').as_slice()].concat()
}

/// What follows the '~' of one's own home.
pub fn beneath_home(path: &[u8]) -> Option<&[u8]> {
    path.strip_prefix(b"~").filter(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The target of a link as a jail keeps it: `root` is its root.
pub fn inside<'a>(root: &Path, target: &'a [u8]) -> &'a [u8] {
    match target.strip_prefix(root.as_os_str().as_bytes()) {
        Some(b"") => b"/",
        Some(within) => within,
        None => target,
    }
}
