//! Open files and directories: a node that is open stays until it is released, also without a name.

use crate::Tree;
use crate::contents::Contents;
use crate::node::{Kind, NodeId};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Bound;
use strongroom_bindings::types::{DirectoryEntry, ErrorCode, OpenFlags, Timestamp};

/// The most bytes that one `read` gives, and that one `copy` takes in a step.
const READ_MAX: usize = 1 << 20;
/// The most bytes that one `copy` copies: a call is to return soon.
const COPY_MAX: u64 = 64 << 20;

impl Tree {
    /// `session.open`. What it gives is open until [`Tree::release`].
    pub fn open(
        &mut self,
        path: &str,
        flags: OpenFlags,
        permissions: u16,
        now: Timestamp,
    ) -> Result<NodeId, ErrorCode> {
        let is_exclusive = flags.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE);
        let place = self.walk(path, !is_exclusive)?;
        let id = match (place.node, place.name) {
            (Some(_), _) if is_exclusive => return Err(ErrorCode::AlreadyExists),
            (Some(id), _) => id,
            (None, Some(name)) if flags.contains(OpenFlags::CREATE) => {
                let (parent, name): (_, Box<str>) = (place.parent(), name.into());
                self.create(parent, name, Kind::File(Contents::default()), permissions, now)?
            }
            (None, _) => return Err(ErrorCode::NoSuchFile),
        };
        match self.node(id)?.kind {
            Kind::File(_) => {}
            Kind::Directory(_) => return Err(ErrorCode::IsADirectory),
            Kind::Symlink(_) => return Err(ErrorCode::Loop),
        }
        if flags.contains(OpenFlags::TRUNCATE) {
            self.resize(id, 0, now)?;
        }
        self.node_mut(id)?.openers += 1;
        Ok(id)
    }

    /// `session.open-directory`. What it gives is open until [`Tree::release`].
    pub fn open_directory(&mut self, path: &str) -> Result<NodeId, ErrorCode> {
        let id = self.find(path, true)?;
        self.entries(id)?;
        self.node_mut(id)?.openers += 1;
        Ok(id)
    }

    /// Ends what one `open` or `open_directory` began.
    pub fn release(&mut self, id: NodeId) {
        if let Ok(node) = self.node_mut(id) {
            node.openers = node.openers.saturating_sub(1);
            self.reap(id);
        }
    }

    /// `file.read`, at most 1 MiB at a time.
    pub fn read(&self, id: NodeId, offset: u64, length: u32) -> Result<Vec<u8>, ErrorCode> {
        Ok(self.contents(id)?.read(offset, READ_MAX.min(length as usize)))
    }

    /// `file.write`; at the end without an `offset`.
    pub fn write(&mut self, id: NodeId, offset: Option<u64>, data: &[u8], now: Timestamp) -> Result<(), ErrorCode> {
        let Self { nodes, budget, .. } = self;
        let node = nodes.get_mut(&id).ok_or(ErrorCode::Failure)?;
        let Kind::File(contents) = &mut node.kind else { return Err(ErrorCode::IsADirectory) };
        contents.write(budget, offset.unwrap_or(contents.size()), data)?;
        if !data.is_empty() {
            node.modified = now;
        }
        Ok(())
    }

    /// `copying.copy-range`; to the end of `destination` without an offset there.
    pub fn copy(
        &mut self,
        source: NodeId,
        source_offset: u64,
        length: Option<u64>,
        destination: NodeId,
        destination_offset: Option<u64>,
        now: Timestamp,
    ) -> Result<u64, ErrorCode> {
        let wanted = length.unwrap_or(u64::MAX).min(COPY_MAX);
        let mut copied = 0;
        while copied < wanted {
            let step = usize::try_from(wanted - copied).unwrap_or(READ_MAX).min(READ_MAX);
            let data = self.contents(source)?.read(source_offset.saturating_add(copied), step);
            if data.is_empty() {
                break;
            }
            self.write(destination, destination_offset.map(|offset| offset.saturating_add(copied)), &data, now)?;
            copied += data.len() as u64;
        }
        Ok(copied)
    }

    /// The entries of a directory that follow the name `after`, in the order of their names, at most `max`.
    pub fn list(&self, id: NodeId, after: Option<&str>, max: usize) -> Result<Vec<DirectoryEntry>, ErrorCode> {
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self.entries(id)?.range::<str, _>((first, Bound::Unbounded)).take(max);
        entries
            .map(|(name, id)| Ok(DirectoryEntry { name: String::from(&**name), attributes: self.stat_open(*id)? }))
            .collect()
    }

    pub(crate) fn resize(&mut self, id: NodeId, size: u64, now: Timestamp) -> Result<(), ErrorCode> {
        let Self { nodes, budget, .. } = self;
        let node = nodes.get_mut(&id).ok_or(ErrorCode::Failure)?;
        match &mut node.kind {
            Kind::File(contents) => contents.resize(budget, size)?,
            Kind::Directory(_) => return Err(ErrorCode::IsADirectory),
            Kind::Symlink(_) => return Err(ErrorCode::InvalidArgument),
        }
        node.modified = now;
        Ok(())
    }

    fn contents(&self, id: NodeId) -> Result<&Contents, ErrorCode> {
        match &self.node(id)?.kind {
            Kind::File(contents) => Ok(contents),
            _ => Err(ErrorCode::IsADirectory),
        }
    }
}
