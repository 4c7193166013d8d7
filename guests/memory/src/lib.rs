//! Files that live in the instance's own memory, one tree a session, from `connect` to `close`.
//!
//! It imports a clock and stderr, and nothing else. Setting: `capacity`, the bytes that a session's tree may take
//! (plain, or with K, M or G for powers of 1024; 256M unless set).

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod settings;

use strongroom_bare as _;

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use settings::Settings;
use strongroom_bindings::Slot;
use strongroom_bindings::copying;
use strongroom_bindings::storage::{
    Connected, Directory, File, FileBorrow, Guest, GuestDirectory, GuestFile, GuestSession, Opened, Session,
};
use strongroom_bindings::types::{
    AttributeChanges, Attributes, Client, DirectoryEntry, Ending, Error, ErrorCode, Features, OpenFlags, Timestamp,
    Usage,
};
use strongroom_tree::{NodeId, Tree};
use wasip2::clocks::wall_clock;

/// As `posix.listing.read` has it: an answer stays of bounded size whatever is asked for.
const ENTRIES_MAX: usize = 1024;
/// The most that OpenSSH's clients ask for at once.
const TRANSFER_SIZE: u32 = 261_120;

struct Memory;

struct OpenSession {
    tree: Slot<RefCell<Tree>>,
}

struct OpenFile {
    node: Slot<OpenNode>,
    flags: OpenFlags,
}

struct OpenDirectory {
    node: Slot<OpenNode>,
    /// The last name that was told.
    told: RefCell<Option<String>>,
}

/// A node that stays in its tree until this is dropped.
struct OpenNode {
    tree: Rc<RefCell<Tree>>,
    id: NodeId,
}

strongroom_bindings::export!(Memory);

impl Guest for Memory {
    type Session = OpenSession;
    type File = OpenFile;
    type Directory = OpenDirectory;

    async fn connect(_client: Client, settings: Vec<(String, String)>) -> Result<Connected, Error> {
        let settings = Settings::parse(settings)?;
        let tree = Tree::new(settings.capacity, now());
        Ok(Connected {
            session: Session::new(OpenSession { tree: Slot::new(RefCell::new(tree)) }),
            features: Features::all().difference(Features::EXTENDED_ATTRIBUTES | Features::ATOMIC_UPLOAD),
            home: "/".to_string(),
            transfer_size: TRANSFER_SIZE,
            notes: vec![],
        })
    }
}

impl OpenSession {
    fn look<T>(&self, look: impl FnOnce(&Tree) -> Result<T, ErrorCode>) -> Result<T, Error> {
        Ok(look(&self.tree.get()?.borrow())?)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Tree, Timestamp) -> Result<T, ErrorCode>) -> Result<T, Error> {
        Ok(change(&mut self.tree.get()?.borrow_mut(), now())?)
    }

    fn open_node(
        &self,
        open: impl FnOnce(&mut Tree, Timestamp) -> Result<NodeId, ErrorCode>,
    ) -> Result<Slot<OpenNode>, Error> {
        let tree = self.tree.get()?;
        let id = open(&mut tree.borrow_mut(), now())?;
        Ok(Slot::new(OpenNode { tree, id }))
    }
}

impl GuestSession for OpenSession {
    async fn open(&self, path: String, flags: OpenFlags, permissions: u16) -> Result<Opened, Error> {
        let node = self.open_node(|tree, now| tree.open(&path, flags, permissions, now))?;
        Ok(Opened { file: File::new(OpenFile { node, flags }), native: None })
    }

    async fn open_directory(&self, path: String) -> Result<Directory, Error> {
        let node = self.open_node(|tree, _| tree.open_directory(&path))?;
        Ok(Directory::new(OpenDirectory { node, told: RefCell::new(None) }))
    }

    async fn stat(&self, path: String, follow: bool) -> Result<Attributes, Error> {
        self.look(|tree| tree.stat(&path, follow))
    }

    async fn set_stat(&self, path: String, follow: bool, changes: AttributeChanges) -> Result<(), Error> {
        self.change(|tree, now| tree.set_stat(&path, follow, &changes, now))
    }

    async fn real_path(&self, path: String) -> Result<String, Error> {
        self.look(|tree| tree.real_path(&path))
    }

    async fn make_directory(&self, path: String, permissions: u16) -> Result<(), Error> {
        self.change(|tree, now| tree.make_directory(&path, permissions, now))
    }

    async fn remove_directory(&self, path: String) -> Result<(), Error> {
        self.change(|tree, now| tree.remove_directory(&path, now))
    }

    async fn remove(&self, path: String) -> Result<(), Error> {
        self.change(|tree, now| tree.remove(&path, now))
    }

    async fn rename(&self, source: String, destination: String, replace: bool) -> Result<(), Error> {
        self.change(|tree, now| tree.rename(&source, &destination, replace, now))
    }

    async fn read_link(&self, path: String) -> Result<String, Error> {
        self.look(|tree| tree.read_link(&path))
    }

    async fn symlink(&self, target: String, path: String) -> Result<(), Error> {
        self.change(|tree, now| tree.symlink(&target, &path, now))
    }

    async fn hard_link(&self, existing: String, path: String) -> Result<(), Error> {
        self.change(|tree, now| tree.hard_link(&existing, &path, now))
    }

    async fn usage(&self, path: String) -> Result<Usage, Error> {
        self.look(|tree| tree.usage(&path))
    }

    async fn close(&self) -> Result<(), Error> {
        self.tree.close()
    }
}

impl OpenFile {
    /// The open node, if the file was opened for what `needed` says.
    fn node_for(&self, needed: OpenFlags) -> Result<Rc<OpenNode>, Error> {
        if self.flags.contains(needed) { self.node.get() } else { Err(ErrorCode::Failure.into()) }
    }

    /// Where a write that names `offset` begins; `None` is the end.
    fn write_offset(&self, offset: u64) -> Option<u64> {
        (!self.flags.contains(OpenFlags::APPEND)).then_some(offset)
    }
}

impl GuestFile for OpenFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let node = self.node_for(OpenFlags::READ)?;
        node.look(|tree, id| tree.read(id, offset, length))
    }

    async fn write(&self, offset: u64, data: Vec<u8>) -> Result<(), Error> {
        let node = self.node_for(OpenFlags::WRITE)?;
        node.change(|tree, id, now| tree.write(id, self.write_offset(offset), &data, now))
    }

    async fn stat(&self) -> Result<Attributes, Error> {
        self.node.get()?.look(|tree, id| tree.stat_open(id))
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<(), Error> {
        let needed = if changes.size.is_some() { OpenFlags::WRITE } else { OpenFlags::empty() };
        self.node_for(needed)?.change(|tree, id, now| tree.set_stat_open(id, &changes, now))
    }

    async fn usage(&self) -> Result<Usage, Error> {
        self.node.get()?.look(|tree, _| Ok(tree.usage_open()))
    }

    /// What was written is as safe as it will ever be.
    async fn sync(&self) -> Result<(), Error> {
        self.node.get().map(drop)
    }

    async fn close(&self, _ending: Ending) -> Result<(), Error> {
        self.node.close()
    }
}

impl GuestDirectory for OpenDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>, Error> {
        let max = ENTRIES_MAX.min(max as usize);
        let mut told = self.told.borrow_mut();
        let entries = self.node.get()?.look(|tree, id| tree.list(id, told.as_deref(), max))?;
        if let Some(last) = entries.last() {
            *told = Some(last.name.clone());
        }
        Ok(entries)
    }

    async fn close(&self) {
        // The contract has no error here: the second time there is nothing left to close.
        let _ = self.node.close();
    }
}

impl copying::Guest for Memory {
    async fn copy_range(
        source: FileBorrow<'_>,
        source_offset: u64,
        length: Option<u64>,
        destination: FileBorrow<'_>,
        destination_offset: u64,
    ) -> Result<u64, Error> {
        let (source, destination) = (source.get::<OpenFile>(), destination.get::<OpenFile>());
        let (from, to) = (source.node_for(OpenFlags::READ)?, destination.node_for(OpenFlags::WRITE)?);
        if !Rc::ptr_eq(&from.tree, &to.tree) {
            return Err(ErrorCode::CrossDevice.into());
        }
        let offset = destination.write_offset(destination_offset);
        to.change(|tree, id, now| tree.copy(from.id, source_offset, length, id, offset, now))
    }
}

impl OpenNode {
    fn look<T>(&self, look: impl FnOnce(&Tree, NodeId) -> Result<T, ErrorCode>) -> Result<T, Error> {
        Ok(look(&self.tree.borrow(), self.id)?)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Tree, NodeId, Timestamp) -> Result<T, ErrorCode>) -> Result<T, Error> {
        Ok(change(&mut self.tree.borrow_mut(), self.id, now())?)
    }
}

impl Drop for OpenNode {
    fn drop(&mut self) {
        self.tree.borrow_mut().release(self.id);
    }
}

fn now() -> Timestamp {
    let now = wall_clock::now();
    Timestamp { seconds: i64::try_from(now.seconds).unwrap_or(i64::MAX), nanoseconds: now.nanoseconds }
}
