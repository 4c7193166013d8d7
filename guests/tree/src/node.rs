//! One file, directory or link, and what it costs.

use crate::contents::Contents;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use strongroom_bindings::types::{FileKind, Timestamp};

/// A node with its share of the table that it stands in, which is half empty at worst, and of the allocator's own.
const NODE_COST: u64 = 512;
/// An entry of a directory beside its name, likewise.
const ENTRY_COST: u64 = 128;

/// Names a node of one tree for as long as it lives, and nothing after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(u64);

impl NodeId {
    pub(crate) const ROOT: Self = Self(0);

    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) permissions: u16,
    /// Absent until somebody sets them.
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    /// Names; of a directory also its own '.' and its children's '..'.
    pub(crate) links: u64,
    pub(crate) openers: u32,
}

#[derive(Debug)]
pub(crate) enum Kind {
    File(Contents),
    Directory(BTreeMap<Box<str>, NodeId>),
    Symlink(Box<str>),
}

impl Node {
    pub(crate) fn new(kind: Kind, permissions: u16, now: Timestamp) -> Self {
        let links = if matches!(kind, Kind::Directory(_)) { 2 } else { 1 };
        let permissions = permissions & 0o7777;
        Self { kind, permissions, uid: None, gid: None, accessed: now, modified: now, links, openers: 0 }
    }
}

impl Kind {
    pub(crate) fn file_kind(&self) -> FileKind {
        match self {
            Self::File(_) => FileKind::Regular,
            Self::Directory(_) => FileKind::Directory,
            Self::Symlink(_) => FileKind::Symlink,
        }
    }

    /// The bytes of memory that the node accounts for, without the entries that lead to it or, of a directory, are in it.
    pub(crate) fn cost(&self) -> u64 {
        NODE_COST
            + match self {
                Self::File(contents) => contents.cost(),
                Self::Directory(_) => 0,
                Self::Symlink(target) => target.len() as u64,
            }
    }
}

/// The bytes of memory that an entry of a directory accounts for.
pub(crate) fn entry_cost(name: &str) -> u64 {
    ENTRY_COST + name.len() as u64
}

/// How many more empty files with short names fit into `bytes`.
pub(crate) fn files_in(bytes: u64) -> u64 {
    bytes / (NODE_COST + ENTRY_COST)
}
