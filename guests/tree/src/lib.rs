//! A tree of files, directories and links in memory, with POSIX's rules for names and open files and with a limit on
//! the memory that it takes. It knows no host: whoever uses it says what time it is.
//!
//! A path is absolute and normalised, as the contract promises. The tree belongs to one user: permissions and owners
//! are kept and shown, and hold nobody back. `accessed` changes only when it is set, as on a file system mounted
//! `noatime`.

#![no_std]

extern crate alloc;

mod attributes;
mod budget;
mod contents;
mod node;
mod open;
mod walk;

pub use budget::Budget;
pub use node::NodeId;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use node::{Kind, Node};
use strongroom_bindings::types::{ErrorCode, Timestamp};

/// The longest name, in bytes as the client sees them.
pub const NAME_MAX: usize = 255;
/// The longest target of a symbolic link, in bytes.
pub const TARGET_MAX: usize = 4095;

/// A file system that lives as long as this value.
#[derive(Debug)]
pub struct Tree {
    /// Numbers are never used twice, so a number that is kept too long names nothing.
    nodes: BTreeMap<NodeId, Node>,
    next: NodeId,
    budget: Budget,
}

impl Tree {
    /// An empty root directory. The tree will take about `capacity` bytes of memory at most.
    pub fn new(capacity: u64, now: Timestamp) -> Self {
        let mut nodes = BTreeMap::new();
        nodes.insert(NodeId::ROOT, Node::new(Kind::Directory(BTreeMap::new()), 0o755, now));
        Self { nodes, next: NodeId::ROOT.next(), budget: Budget::new(capacity) }
    }

    /// What the tree may take and takes now.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// `session.make-directory`.
    pub fn make_directory(&mut self, path: &str, permissions: u16, now: Timestamp) -> Result<(), ErrorCode> {
        let (parent, name) = self.vacancy(path)?;
        self.create(parent, name, Kind::Directory(BTreeMap::new()), permissions, now)?;
        Ok(())
    }

    /// `session.symlink`.
    pub fn symlink(&mut self, target: &str, path: &str, now: Timestamp) -> Result<(), ErrorCode> {
        if target.len() > TARGET_MAX {
            return Err(ErrorCode::NameTooLong);
        }
        let (parent, name) = self.vacancy(path)?;
        self.create(parent, name, Kind::Symlink(target.into()), 0o777, now)?;
        Ok(())
    }

    /// `session.read-link`.
    pub fn read_link(&self, path: &str) -> Result<String, ErrorCode> {
        match &self.node(self.find(path, false)?)?.kind {
            Kind::Symlink(target) => Ok((**target).to_owned()),
            _ => Err(ErrorCode::InvalidArgument),
        }
    }

    /// `session.real-path`.
    pub fn real_path(&self, path: &str) -> Result<String, ErrorCode> {
        Ok(self.walk_by_text(path)?.path())
    }

    /// `session.hard-link`; `permission-denied` for a directory, as Linux says it.
    pub fn hard_link(&mut self, existing: &str, path: &str, now: Timestamp) -> Result<(), ErrorCode> {
        let existing = self.find(existing, false)?;
        let (parent, name) = self.vacancy(path)?;
        if matches!(self.node(existing)?.kind, Kind::Directory(_)) {
            return Err(ErrorCode::PermissionDenied);
        }
        self.budget.charge(node::entry_cost(&name))?;
        self.node_mut(existing)?.links += 1;
        self.entries_mut(parent, now)?.insert(name, existing);
        Ok(())
    }

    /// `session.remove`.
    pub fn remove(&mut self, path: &str, now: Timestamp) -> Result<(), ErrorCode> {
        let (parent, name, node) = self.occupied(path)?.ok_or(ErrorCode::IsADirectory)?;
        if matches!(self.node(node)?.kind, Kind::Directory(_)) {
            return Err(ErrorCode::IsADirectory);
        }
        self.unlink(parent, &name, now)
    }

    /// `session.remove-directory`; `busy` for the root.
    pub fn remove_directory(&mut self, path: &str, now: Timestamp) -> Result<(), ErrorCode> {
        let (parent, name, node) = self.occupied(path)?.ok_or(ErrorCode::Busy)?;
        if !self.entries(node)?.is_empty() {
            return Err(ErrorCode::NotEmpty);
        }
        self.unlink(parent, &name, now)
    }

    /// `session.rename`. Two names of one file are left as they are, as POSIX has it. As Linux looks at it: first the ways
    /// to both, then whether one is the root, then what is there.
    pub fn rename(&mut self, source: &str, destination: &str, replace: bool, now: Timestamp) -> Result<(), ErrorCode> {
        let old = self.walk(source, false)?;
        let place = self.walk(destination, false)?;
        let old_name: Box<str> = old.name.ok_or(ErrorCode::Busy)?.into();
        if place.name.is_none() && replace {
            return Err(ErrorCode::Busy);
        }
        let (old_parent, moved) = (old.parent(), old.node.ok_or(ErrorCode::NoSuchFile)?);
        if place.node.is_some() && !replace {
            return Err(ErrorCode::AlreadyExists);
        }
        if place.passes(moved) {
            return Err(ErrorCode::InvalidArgument);
        }
        let new_name: Box<str> = place.name.ok_or(ErrorCode::Busy)?.into();
        let (new_parent, replaced) = (place.parent(), place.node);
        if replaced == Some(moved) {
            return Ok(());
        }
        if let Some(replaced) = replaced {
            self.check_replacement(moved, replaced)?;
        }

        self.budget.charge(node::entry_cost(&new_name))?;
        if replaced.is_some() {
            self.unlink(new_parent, &new_name, now)?;
        }
        self.entries_mut(old_parent, now)?.remove(&*old_name);
        self.budget.release(node::entry_cost(&old_name));
        self.entries_mut(new_parent, now)?.insert(new_name, moved);
        if matches!(self.node(moved)?.kind, Kind::Directory(_)) {
            self.node_mut(old_parent)?.links -= 1;
            self.node_mut(new_parent)?.links += 1;
        }
        Ok(())
    }

    fn check_replacement(&self, moved: NodeId, replaced: NodeId) -> Result<(), ErrorCode> {
        match (&self.node(moved)?.kind, &self.node(replaced)?.kind) {
            (Kind::Directory(_), Kind::Directory(entries)) if !entries.is_empty() => Err(ErrorCode::NotEmpty),
            (Kind::Directory(_), Kind::Directory(_)) => Ok(()),
            (Kind::Directory(_), _) => Err(ErrorCode::NotADirectory),
            (_, Kind::Directory(_)) => Err(ErrorCode::IsADirectory),
            _ => Ok(()),
        }
    }

    /// The parent and the name at which `path` can be created; the last component is not followed.
    fn vacancy(&self, path: &str) -> Result<(NodeId, Box<str>), ErrorCode> {
        let place = self.walk(path, false)?;
        match (place.name, place.node) {
            (Some(name), None) => Ok((place.parent(), name.into())),
            _ => Err(ErrorCode::AlreadyExists),
        }
    }

    /// The parent, the name and the node at `path`, not followed; `None` for the root, which has no name.
    fn occupied(&self, path: &str) -> Result<Option<(NodeId, Box<str>, NodeId)>, ErrorCode> {
        let place = self.walk(path, false)?;
        let node = place.node.ok_or(ErrorCode::NoSuchFile)?;
        Ok(place.name.map(|name| (place.parent(), name.into(), node)))
    }

    fn find(&self, path: &str, follow: bool) -> Result<NodeId, ErrorCode> {
        self.walk(path, follow)?.node.ok_or(ErrorCode::NoSuchFile)
    }

    fn create(
        &mut self,
        parent: NodeId,
        name: Box<str>,
        kind: Kind,
        permissions: u16,
        now: Timestamp,
    ) -> Result<NodeId, ErrorCode> {
        self.budget.charge(kind.cost() + node::entry_cost(&name))?;
        let id = self.next;
        self.next = id.next();
        if matches!(kind, Kind::Directory(_)) {
            self.node_mut(parent)?.links += 1;
        }
        self.nodes.insert(id, Node::new(kind, permissions, now));
        self.entries_mut(parent, now)?.insert(name, id);
        Ok(id)
    }

    /// Takes a name away; the node goes with its last name unless it is open. A directory must be empty.
    fn unlink(&mut self, parent: NodeId, name: &str, now: Timestamp) -> Result<(), ErrorCode> {
        let id = self.entries_mut(parent, now)?.remove(name).ok_or(ErrorCode::NoSuchFile)?;
        self.budget.release(node::entry_cost(name));
        let node = self.node_mut(id)?;
        if matches!(node.kind, Kind::Directory(_)) {
            node.links = 0;
            self.node_mut(parent)?.links -= 1;
        } else {
            node.links -= 1;
        }
        self.reap(id);
        Ok(())
    }

    /// Forgets a node that has neither a name nor an opener.
    fn reap(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get(&id)
            && node.links == 0
            && node.openers == 0
        {
            self.budget.release(node.kind.cost());
            self.nodes.remove(&id);
        }
    }

    fn node(&self, id: NodeId) -> Result<&Node, ErrorCode> {
        self.nodes.get(&id).ok_or(ErrorCode::Failure)
    }

    fn node_mut(&mut self, id: NodeId) -> Result<&mut Node, ErrorCode> {
        self.nodes.get_mut(&id).ok_or(ErrorCode::Failure)
    }

    fn entries(&self, id: NodeId) -> Result<&BTreeMap<Box<str>, NodeId>, ErrorCode> {
        match &self.node(id)?.kind {
            Kind::Directory(entries) => Ok(entries),
            _ => Err(ErrorCode::NotADirectory),
        }
    }

    /// The entries of a directory that is about to change.
    fn entries_mut(&mut self, id: NodeId, now: Timestamp) -> Result<&mut BTreeMap<Box<str>, NodeId>, ErrorCode> {
        let node = self.node_mut(id)?;
        match &mut node.kind {
            Kind::Directory(entries) => {
                node.modified = now;
                Ok(entries)
            }
            _ => Err(ErrorCode::NotADirectory),
        }
    }
}
