//! Open directories.

use crate::names::spoiled;
use crate::world::World;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use strongroom_guest::tree::TreeDirectory;
use strongroom_guest::{Attributes, Directory, DirectoryEntry, FileKind, Result, Session};

pub struct WrongDirectory {
    world: Rc<World>,
    path: String,
    inner: RefCell<Rc<TreeDirectory>>,
    reads: Cell<u32>,
    is_empty: Cell<bool>,
}

impl WrongDirectory {
    pub(crate) async fn open(world: &Rc<World>, path: &str) -> Result<Self> {
        let mut inner = Rc::new(world.tree.open_directory(path).await?);
        if world.lies("list-apart") {
            let mut shared = world.shared_listings.borrow_mut();
            match shared.get(path).and_then(std::rc::Weak::upgrade) {
                Some(open) => inner = open,
                None => drop(shared.insert(path.to_owned(), Rc::downgrade(&inner))),
            }
        }
        let (reads, is_empty) = (Cell::new(0), Cell::new(true));
        Ok(Self { world: world.clone(), path: path.to_owned(), inner: RefCell::new(inner), reads, is_empty })
    }

    fn inner(&self) -> Rc<TreeDirectory> {
        self.inner.borrow().clone()
    }
}

impl Directory for WrongDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>> {
        let world = &self.world;
        let reads = self.reads.replace(self.reads.get() + 1);
        if world.lies("list-all") && reads > 0 && max == 4 {
            self.inner().read(1).await?;
        }
        let max = if world.lies("list-max") && max == 3 { 4 } else { max };
        let mut entries = self.inner().read(max).await?;
        if entries.is_empty() && world.lies("list-end") {
            *self.inner.borrow_mut() = Rc::new(world.tree.open_directory(&self.path).await?);
        }
        self.is_empty.set(self.is_empty.get() && entries.is_empty());
        if reads == 0 && self.is_empty.get() && world.lies("list-dots") {
            entries.push(DirectoryEntry { name: ".".to_owned(), attributes: Attributes::directory() });
        }
        for entry in &mut entries {
            if world.lies("list-attributes") && entry.attributes.kind == FileKind::Symlink {
                entry.attributes = world.tree.stat(&format!("{}/{}", self.path, entry.name), true).await?;
            }
            entry.name = spoiled(world, std::mem::take(&mut entry.name));
        }
        Ok(entries)
    }
}
