//! A whole storage in memory, with POSIX's rules for names, links and open files: [`TreeSession`] is what `strongroom
//! memory` serves. In tests it stands for what a storage is put in front of.
//!
//! ```
//! use strongroom_guest::testing::block_on;
//! use strongroom_guest::tree::TreeSession;
//! use strongroom_guest::{ErrorCode, Session};
//!
//! let session = TreeSession::new(1 << 20).with_file("/hello", b"hello, world\n").unwrap();
//! assert_eq!(block_on(session.stat("/hello", true)).unwrap().size, Some(13));
//! block_on(session.rename("/hello", "/bye", false)).unwrap();
//! assert_eq!(block_on(session.stat("/hello", true)).unwrap_err().code, ErrorCode::NoSuchFile);
//! ```

use crate::{
    AttributeChanges, Attributes, Directory, DirectoryEntry, ErrorCode, Features, File, OpenFlags, Result, Session,
    Timestamp, Usage,
};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
pub use strongroom_tree::{Budget, NodeId, Tree};

/// As `posix.listing.read` has it: an answer stays of bounded size whatever is asked for.
const ENTRIES_MAX: usize = 1024;

/// A session over a [`Tree`] of its own, or over one that is shared with others.
#[derive(Clone, Debug)]
pub struct TreeSession {
    tree: Rc<RefCell<Tree>>,
}

/// An open file of a [`TreeSession`].
#[derive(Debug)]
pub struct TreeFile {
    node: OpenNode,
    flags: OpenFlags,
}

/// An open directory of a [`TreeSession`], listed in the order of its names.
#[derive(Debug)]
pub struct TreeDirectory {
    node: OpenNode,
    /// The last name that was told.
    told: RefCell<Option<String>>,
}

/// A node that stays in its tree until this is dropped.
#[derive(Debug)]
struct OpenNode {
    tree: Rc<RefCell<Tree>>,
    id: NodeId,
}

impl TreeSession {
    /// An empty tree that takes about `capacity` bytes of memory at most.
    pub fn new(capacity: u64) -> Self {
        Self { tree: Rc::new(RefCell::new(Tree::new(capacity, Timestamp::now()))) }
    }

    /// What such a session can do.
    pub fn features() -> Features {
        Features::all().difference(Features::EXTENDED_ATTRIBUTES | Features::ATOMIC_UPLOAD)
    }

    /// The same with a file of these bytes at `path`.
    ///
    /// # Errors
    ///
    /// As `open` and `write` have them: the directory that holds the file has to be there.
    pub fn with_file(self, path: &str, bytes: &[u8]) -> Result<Self> {
        let node = self.open_node(|tree, now| tree.open(path, OpenFlags::WRITE | OpenFlags::CREATE, 0o644, now))?;
        node.change(|tree, id, now| tree.write(id, Some(0), bytes, now))?;
        drop(node);
        Ok(self)
    }

    /// The same with a directory at `path`.
    ///
    /// # Errors
    ///
    /// As `make_directory` has them.
    pub fn with_directory(self, path: &str) -> Result<Self> {
        self.change(|tree, now| tree.make_directory(path, 0o755, now))?;
        Ok(self)
    }

    fn look<T>(&self, look: impl FnOnce(&Tree) -> Result<T, ErrorCode>) -> Result<T> {
        Ok(look(&self.tree.borrow())?)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Tree, Timestamp) -> Result<T, ErrorCode>) -> Result<T> {
        Ok(change(&mut self.tree.borrow_mut(), Timestamp::now())?)
    }

    fn open_node(&self, open: impl FnOnce(&mut Tree, Timestamp) -> Result<NodeId, ErrorCode>) -> Result<OpenNode> {
        let id = self.change(open)?;
        Ok(OpenNode { tree: self.tree.clone(), id })
    }
}

impl Session for TreeSession {
    type File = TreeFile;
    type Directory = TreeDirectory;

    async fn open(&self, path: &str, flags: OpenFlags, permissions: u16) -> Result<TreeFile> {
        let node = self.open_node(|tree, now| tree.open(path, flags, permissions, now))?;
        Ok(TreeFile { node, flags })
    }

    async fn open_directory(&self, path: &str) -> Result<TreeDirectory> {
        let node = self.open_node(|tree, _| tree.open_directory(path))?;
        Ok(TreeDirectory { node, told: RefCell::new(None) })
    }

    async fn stat(&self, path: &str, follow: bool) -> Result<Attributes> {
        self.look(|tree| tree.stat(path, follow))
    }

    async fn set_stat(&self, path: &str, follow: bool, changes: AttributeChanges) -> Result<()> {
        self.change(|tree, now| tree.set_stat(path, follow, &changes, now))
    }

    async fn real_path(&self, path: &str) -> Result<String> {
        self.look(|tree| tree.real_path(path))
    }

    async fn make_directory(&self, path: &str, permissions: u16) -> Result<()> {
        self.change(|tree, now| tree.make_directory(path, permissions, now))
    }

    async fn remove_directory(&self, path: &str) -> Result<()> {
        self.change(|tree, now| tree.remove_directory(path, now))
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.change(|tree, now| tree.remove(path, now))
    }

    async fn rename(&self, source: &str, destination: &str, replace: bool) -> Result<()> {
        self.change(|tree, now| tree.rename(source, destination, replace, now))
    }

    async fn read_link(&self, path: &str) -> Result<String> {
        self.look(|tree| tree.read_link(path))
    }

    async fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.change(|tree, now| tree.symlink(target, path, now))
    }

    async fn hard_link(&self, existing: &str, path: &str) -> Result<()> {
        self.change(|tree, now| tree.hard_link(existing, path, now))
    }

    async fn usage(&self, path: &str) -> Result<Usage> {
        self.look(|tree| tree.usage(path))
    }
}

impl TreeFile {
    /// The open node, if the file was opened for what `needed` says.
    fn node_for(&self, needed: OpenFlags) -> Result<&OpenNode> {
        if self.flags.contains(needed) { Ok(&self.node) } else { Err(ErrorCode::Failure.into()) }
    }

    /// Where a write that names `offset` begins; `None` is the end.
    fn write_offset(&self, offset: u64) -> Option<u64> {
        (!self.flags.contains(OpenFlags::APPEND)).then_some(offset)
    }
}

impl File for TreeFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        self.node_for(OpenFlags::READ)?.look(|tree, id| tree.read(id, offset, length))
    }

    async fn stat(&self) -> Result<Attributes> {
        self.node.look(|tree, id| tree.stat_open(id))
    }

    async fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let node = self.node_for(OpenFlags::WRITE)?;
        node.change(|tree, id, now| tree.write(id, self.write_offset(offset), data, now))
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        let needed = if changes.size.is_some() { OpenFlags::WRITE } else { OpenFlags::empty() };
        self.node_for(needed)?.change(|tree, id, now| tree.set_stat_open(id, &changes, now))
    }

    async fn usage(&self) -> Result<Usage> {
        self.node.look(|tree, _| Ok(tree.usage_open()))
    }

    /// What was written is as safe as it will ever be.
    async fn sync(&self) -> Result<()> {
        Ok(())
    }

    async fn copy_range(
        &self,
        offset: u64,
        length: Option<u64>,
        destination: &Self,
        destination_offset: u64,
    ) -> Result<u64> {
        let (from, to) = (self.node_for(OpenFlags::READ)?, destination.node_for(OpenFlags::WRITE)?);
        if !Rc::ptr_eq(&from.tree, &to.tree) {
            return Err(ErrorCode::CrossDevice.into());
        }
        let destination_offset = destination.write_offset(destination_offset);
        to.change(|tree, id, now| tree.copy(from.id, offset, length, id, destination_offset, now))
    }
}

impl Directory for TreeDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>> {
        let max = ENTRIES_MAX.min(max as usize);
        let mut told = self.told.borrow_mut();
        let entries = self.node.look(|tree, id| tree.list(id, told.as_deref(), max))?;
        if let Some(last) = entries.last() {
            *told = Some(last.name.clone());
        }
        Ok(entries)
    }
}

impl OpenNode {
    fn look<T>(&self, look: impl FnOnce(&Tree, NodeId) -> Result<T, ErrorCode>) -> Result<T> {
        Ok(look(&self.tree.borrow(), self.id)?)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Tree, NodeId, Timestamp) -> Result<T, ErrorCode>) -> Result<T> {
        Ok(change(&mut self.tree.borrow_mut(), self.id, Timestamp::now())?)
    }
}

impl Drop for OpenNode {
    fn drop(&mut self) {
        self.tree.borrow_mut().release(self.id);
    }
}
