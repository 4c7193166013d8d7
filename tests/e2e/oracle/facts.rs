//! What the paths of a request lead to on the oracle's disk at that moment. By this a difference is told from others
//! that look like it.

use rustix::fs::{Access, access};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// As Linux has it.
const MAX_LINKS: usize = 40;

/// A path of a request, looked at before the request is put.
pub struct Found {
    /// The served directory, which nothing is done to.
    pub is_root: bool,
    /// As lstat(2) and stat(2) have it.
    pub itself: io::Result<Metadata>,
    pub followed: io::Result<Metadata>,
    pub is_readable: bool,
    /// Names can be made and taken away where it is.
    pub is_in_writable_directory: bool,
    /// What keeps the kernel from looking where its name would be.
    pub fault_on_the_way: Option<io::Error>,
    /// Its name where that really is, past all links on the way.
    pub place: PathBuf,
}

impl Found {
    /// At `path`, which is `root` or beneath it.
    pub fn of(root: &Path, path: &Path) -> Self {
        let above = path.parent().unwrap_or(root);
        Self {
            is_root: path == root,
            itself: fs::symlink_metadata(path),
            followed: fs::metadata(path),
            is_readable: may(path, Access::READ_OK),
            is_in_writable_directory: may(above, Access::WRITE_OK | Access::EXEC_OK),
            fault_on_the_way: fs::symlink_metadata(above.join(".")).err(),
            place: above.canonicalize().unwrap_or_default().join(path.file_name().unwrap_or_default()),
        }
    }

    /// A directory, or a link to one, that can be read.
    pub fn is_readable_directory(&self) -> bool {
        self.followed.as_ref().is_ok_and(Metadata::is_dir) && self.is_readable
    }

    /// A symbolic link that leads nowhere.
    pub fn is_dangling(&self) -> bool {
        self.itself.as_ref().is_ok_and(Metadata::is_symlink) && self.followed.is_err()
    }

    pub fn is_file_itself(&self) -> bool {
        self.itself.as_ref().is_ok_and(Metadata::is_file)
    }

    pub fn is_directory_itself(&self) -> bool {
        self.itself.as_ref().is_ok_and(Metadata::is_dir)
    }

    /// Both are names of one thing, which is not followed.
    pub fn is_same_itself(&self, other: &Self) -> bool {
        matches!((&self.itself, &other.itself), (Ok(one), Ok(two)) if one.ino() == two.ino())
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

/// Whether the kernel gets by a path beneath `root` where its normal form leads: what '.', '..' and a '/' at the end
/// follow is a directory and no link, and so is what '..' leads to, which is not above `root`.
pub fn leads_as_normal(root: &Path, path: &[u8]) -> bool {
    let is_directory = |names: &[&[u8]]| {
        let place = root.join(OsStr::from_bytes(&names.join(&b'/')));
        fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_dir()) && may(&place, Access::EXEC_OK)
    };
    let mut names: Vec<&[u8]> = Vec::new();
    path.split(|byte| *byte == b'/').all(|component| match component {
        b"" | b"." => is_directory(&names),
        b".." => is_directory(&names) && names.pop().is_some() && is_directory(&names),
        name => {
            names.push(name);
            true
        }
    })
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

/// access(2), which here is the servers' own user's.
fn may(path: &Path, wanted: Access) -> bool {
    access(path, wanted).is_ok()
}
