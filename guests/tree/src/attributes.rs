//! What is told and changed about a node beside its name and its bytes.

use crate::Tree;
use crate::node::{Kind, NodeId};
use alloc::vec;
use strongroom_bindings::types::{AttributeChanges, Attributes, ErrorCode, Timestamp, Usage};

/// The unit in which `usage` counts, in bytes.
const BLOCK: u64 = 4096;
/// The preferred size of a transfer: a page of a file.
const TRANSFER: u64 = 64 << 10;

impl Tree {
    /// `session.stat`.
    pub fn stat(&self, path: &str, follow: bool) -> Result<Attributes, ErrorCode> {
        self.stat_open(self.find(path, follow)?)
    }

    /// `file.stat`.
    pub fn stat_open(&self, id: NodeId) -> Result<Attributes, ErrorCode> {
        let node = self.node(id)?;
        let size = match &node.kind {
            Kind::File(contents) => Some(contents.size()),
            Kind::Symlink(target) => Some(target.len() as u64),
            Kind::Directory(_) => None,
        };
        Ok(Attributes {
            kind: node.kind.file_kind(),
            size,
            permissions: Some(node.permissions),
            uid: node.uid,
            gid: node.gid,
            user: None,
            group: None,
            accessed: Some(node.accessed),
            modified: Some(node.modified),
            link_count: Some(node.links),
            extended: vec![],
        })
    }

    /// `session.set-stat`.
    pub fn set_stat(
        &mut self,
        path: &str,
        follow: bool,
        changes: &AttributeChanges,
        now: Timestamp,
    ) -> Result<(), ErrorCode> {
        self.set_stat_open(self.find(path, follow)?, changes, now)
    }

    /// `file.set-stat`; `failure` for the permissions of a link, which Linux does not change either.
    pub fn set_stat_open(&mut self, id: NodeId, changes: &AttributeChanges, now: Timestamp) -> Result<(), ErrorCode> {
        if let Some(size) = changes.size {
            self.resize(id, size, now)?;
        }
        let node = self.node_mut(id)?;
        if changes.permissions.is_some() && matches!(node.kind, Kind::Symlink(_)) {
            return Err(ErrorCode::Failure);
        }
        node.permissions = changes.permissions.map_or(node.permissions, |permissions| permissions & 0o7777);
        node.accessed = changes.accessed.unwrap_or(node.accessed);
        node.modified = changes.modified.unwrap_or(node.modified);
        node.uid = changes.uid.or(node.uid);
        node.gid = changes.gid.or(node.gid);
        if changes.extended.is_empty() { Ok(()) } else { Err(ErrorCode::Unsupported) }
    }

    /// `session.usage`.
    pub fn usage(&self, path: &str) -> Result<Usage, ErrorCode> {
        self.find(path, true)?;
        Ok(self.usage_open())
    }

    /// `file.usage`.
    pub fn usage_open(&self) -> Usage {
        let budget = self.budget();
        let (files, files_free) = (self.nodes.len() as u64, budget.files_free());
        Usage {
            block_size: TRANSFER,
            fragment_size: BLOCK,
            blocks: budget.capacity() / BLOCK,
            blocks_free: budget.free() / BLOCK,
            blocks_available: budget.free() / BLOCK,
            files: files + files_free,
            files_free,
            files_available: files_free,
            filesystem_id: 0,
            read_only: false,
            no_setuid: true,
            name_max: crate::NAME_MAX as u64,
        }
    }
}
