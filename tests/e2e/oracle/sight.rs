//! What of an answer is compared at a moment: less than what was seen where a right server cannot hold still, or where
//! memory has not what a disk has.
//!
//! Never compared are: how much of a file system is free and how many files a process may open; the attributes of ".."
//! in a directory that was opened by way of a link (its parent is the link's, as the text of the path has it), and
//! those of "." and ".." once anything was changed since the directory was opened, which may be when a server looks at
//! them; and when a file was last read, from a `copy-data` of it until its times are set: some file systems share blocks
//! and read nothing. In memory reading leaves no trace, so that there a READ ends it too.

use super::facts::Found;
use super::opened::{OpenDirectory, Opened};
use super::request::Request;
use super::seen::{NOW, Seen};
use std::collections::HashSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use strongroom_tests::packet::{Attributes, Entry, kind};

pub struct Sight {
    is_memory: bool,
    /// How much may have been changed so far.
    changes: usize,
    /// Files, by their inodes, of which it cannot be told when they were last read.
    read: HashSet<u64>,
}

impl Sight {
    pub fn new(is_memory: bool) -> Self {
        Self { is_memory, changes: 0, read: HashSet::new() }
    }

    pub fn changes(&self) -> usize {
        self.changes
    }

    /// The trees were made anew.
    pub fn begin_anew(&mut self) {
        self.changes += 1;
        self.read.clear();
    }

    /// A request was put, and served unless `is_done` says otherwise.
    pub fn note(&mut self, request: &Request, found: &[Found], opened: &[Opened], is_done: bool) {
        self.changes += usize::from(request.changes_something());
        let Some(inode) = subject(request, found, opened) else { return };
        if request.attributes_sent().times.is_some() && is_done {
            self.read.remove(&inode);
        }
        if request.is_extension("copy-data") || self.is_memory && request.kind == kind::READ {
            self.read.insert(inode);
        }
    }

    /// What counts of an answer.
    pub fn of(&self, request: &Request, found: &[Found], opened: &[Opened], seen: Seen) -> Seen {
        let seen = match seen {
            Seen::Extended(bytes) => Seen::Extended(self.steady(request, &bytes)),
            Seen::Attributes(attributes) => {
                let is_read = subject(request, found, opened).is_some_and(|inode| self.read.contains(&inode));
                Seen::Attributes(if is_read { without_access_time(attributes) } else { attributes })
            }
            Seen::Names(entries) => match opened {
                [Opened::Directory(directory)] => {
                    Seen::Names(entries.into_iter().map(|entry| self.entry(directory, entry)).collect())
                }
                _ => Seen::Names(entries),
            },
            other => other,
        };
        if self.is_memory { in_memory(seen) } else { seen }
    }

    fn entry(&self, directory: &OpenDirectory, entry: Entry) -> Entry {
        let is_parent = entry.name == b"..";
        if is_parent || entry.name == b"." {
            let is_steady = self.changes == directory.changes_before && !(is_parent && directory.is_by_link);
            return if is_steady { entry } else { only_kind(entry) };
        }
        let is_read = directory.inode_of(&entry.name).is_some_and(|inode| self.read.contains(&inode));
        if is_read { Entry { attributes: without_access_time(entry.attributes), ..entry } } else { entry }
    }

    fn steady(&self, request: &Request, bytes: &[u8]) -> Vec<u8> {
        let keep: &[usize] = match request.extension {
            Some("statvfs@openssh.com" | "fstatvfs@openssh.com") if self.is_memory => &[10],
            Some("statvfs@openssh.com" | "fstatvfs@openssh.com") => &[0, 1, 2, 5, 8, 9, 10],
            Some("limits@openssh.com") => &[0, 1, 2],
            _ => return bytes.to_vec(),
        };
        let fields: Vec<&[u8]> = bytes.chunks(8).collect();
        keep.iter().flat_map(|index| fields[*index]).copied().collect()
    }
}

/// The inode of the file that a request is about.
fn subject(request: &Request, found: &[Found], opened: &[Opened]) -> Option<u64> {
    let is_itself = request.kind == kind::LSTAT || request.is_extension("lsetstat@openssh.com");
    match (found, opened) {
        ([found], []) if is_itself => found.itself.as_ref().ok().map(Metadata::ino),
        ([found], []) => found.followed.as_ref().ok().map(Metadata::ino),
        ([], [Opened::File(file), ..]) => Some(file.metadata().ino()),
        _ => None,
    }
}

fn without_access_time(attributes: Attributes) -> Attributes {
    Attributes { times: attributes.times.map(|(_, modified)| (NOW, modified)), ..attributes }
}

fn only_kind(entry: Entry) -> Entry {
    let permissions = entry.attributes.permissions.map(|mode| mode & 0o170_000);
    let attributes = Attributes { permissions, ..Attributes::default() };
    Entry { longname: entry.longname.get(..1).unwrap_or_default().to_vec(), attributes, ..entry }
}

/// Memory has no owners, and tells nothing of what takes a directory's room.
fn in_memory(seen: Seen) -> Seen {
    let plain = |attributes: Attributes| {
        let size = attributes.size.filter(|_| !attributes.is_directory());
        Attributes { owner: None, size, ..attributes }
    };
    match seen {
        Seen::Attributes(attributes) => Seen::Attributes(plain(attributes)),
        Seen::Names(entries) => Seen::Names(
            entries
                .into_iter()
                .map(|entry| Entry {
                    longname: without_owners(&entry.longname),
                    attributes: plain(entry.attributes),
                    name: entry.name,
                })
                .collect(),
        ),
        other => other,
    }
}

/// A long name in plain columns, less the third and the fourth.
fn without_owners(longname: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(longname);
    let columns: Vec<&str> = text.split_whitespace().collect();
    match columns.as_slice() {
        [mode, links, _, _, rest @ ..] => [&[*mode, *links], rest].concat().join(" ").into_bytes(),
        _ => longname.to_vec(),
    }
}
