//! Reading a directory: names with their attributes, many at a time.

use super::attributes::{attributes, attributes_of_kind};
use super::resolve::{RelativePath, Resolver};
use crate::sandbox::bindings::types::DirectoryEntry;
use crate::storage;
use rustix::fs::{self, AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// What one `read` returns at most.
const MAX_ENTRIES: u32 = 1024;

/// An open directory that is being read.
pub struct Listing {
    entries: Dir,
}

impl Listing {
    pub fn open(resolver: Resolver, root: BorrowedFd<'_>, path: RelativePath<'_>) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK;
        // Not `Dir::read_from`: it opens "." anew, for which the directory would have to be searchable.
        Ok(Self { entries: Dir::new(resolver.open(root, path, flags, Mode::empty())?)? })
    }

    /// The next entries, at most `max`, without '.' and '..'; none at the end. One that vanished since the kernel
    /// listed it is left out.
    pub fn read(&mut self, max: u32) -> Result<Vec<DirectoryEntry>, Errno> {
        let max = max.clamp(1, MAX_ENTRIES) as usize;
        let mut found = Vec::with_capacity(max.min(128));
        while found.len() < max {
            let Some(entry) = self.entries.read() else { break };
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let attributes = match fs::statat(self.entries.fd()?, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => attributes(&stat),
                Err(Errno::NOENT) => continue,
                // A directory without x, a dead mount: the name is known all the same.
                Err(_) => attributes_of_kind(entry.file_type()),
            };
            found.push(DirectoryEntry { name: storage::escape(name.to_bytes()).into_owned(), attributes });
        }
        Ok(found)
    }
}
