//! Uploads that are kept aside until they are closed: what `atomic-upload` claims.

use crate::world::World;
use std::cell::RefCell;
use strongroom_guest::tree::{TreeFile, TreeSession};
use strongroom_guest::{AttributeChanges, ErrorCode, File, FileKind, OpenFlags, Result, Session, path};

const CAPACITY: u64 = 16 << 20;
/// The one file of an upload's own tree.
const ASIDE: &str = "/upload";
const NEW: OpenFlags = OpenFlags::WRITE.union(OpenFlags::CREATE).union(OpenFlags::TRUNCATE);

pub(crate) struct Upload {
    aside: TreeSession,
    target: String,
    permissions: u16,
    changes: RefCell<Vec<AttributeChanges>>,
    /// Made before its time by a storage that lies.
    placeholder: bool,
}

impl Upload {
    /// The upload, and the file that is written meanwhile.
    pub async fn begin(world: &World, target: &str, flags: OpenFlags, permissions: u16) -> Result<(Self, TreeFile)> {
        let itself = world.at(target).await;
        if itself.is_some() && flags.contains(OpenFlags::EXCLUSIVE) {
            return Err(ErrorCode::AlreadyExists.into());
        }
        let aside = TreeSession::new(CAPACITY);
        let target = world.tree.real_path(target).await?;
        let (mut bytes, mut permissions) = (vec![], permissions);
        match world.tree.stat(&target, true).await {
            Ok(found) if found.kind == FileKind::Directory => return Err(ErrorCode::IsADirectory.into()),
            Ok(found) => {
                bytes = contents(&world.tree, &target).await?;
                permissions = found.permissions.unwrap_or(permissions);
            }
            Err(error) if !flags.contains(OpenFlags::CREATE) => return Err(error),
            Err(_) => may_hold(world, &target).await?,
        }
        put(&aside, ASIDE, &bytes, permissions).await?;
        let inner = aside.open(ASIDE, flags.difference(OpenFlags::EXCLUSIVE), permissions).await?;
        let placeholder = world.lies("upload-unseen") && world.at(&target).await.is_none();
        if placeholder {
            put(&world.tree, &target, b"", permissions).await?;
        }
        Ok((Self { aside, target, permissions, changes: RefCell::default(), placeholder }, inner))
    }

    pub fn note(&self, changes: &AttributeChanges) {
        self.changes.borrow_mut().push(AttributeChanges { size: None, ..changes.clone() });
    }

    pub async fn publish(&self, world: &World) -> Result<()> {
        let bytes = contents(&self.aside, ASIDE).await?;
        put(&world.tree, &self.target, &bytes, self.permissions).await?;
        for changes in self.changes.take() {
            world.tree.set_stat(&self.target, true, changes).await?;
        }
        Ok(())
    }

    pub async fn forget(&self, world: &World) -> Result<()> {
        if self.placeholder { world.tree.remove(&self.target).await } else { Ok(()) }
    }
}

/// Whether something could be made at a path.
async fn may_hold(world: &World, target: &str) -> Result<()> {
    let Some((parent, _)) = path::split(target) else { return Ok(()) };
    match world.tree.stat(parent, true).await?.kind {
        FileKind::Directory => Ok(()),
        _ => Err(ErrorCode::NotADirectory.into()),
    }
}

pub(crate) async fn contents(tree: &TreeSession, path: &str) -> Result<Vec<u8>> {
    let file = tree.open(path, OpenFlags::READ, 0).await?;
    file.read(0, u32::MAX).await
}

pub(crate) async fn put(tree: &TreeSession, path: &str, bytes: &[u8], permissions: u16) -> Result<()> {
    let file = tree.open(path, NEW, permissions).await?;
    file.write(0, bytes).await
}
