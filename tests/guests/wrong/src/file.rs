//! Open files.

use crate::upload::Upload;
use crate::world::{World, pause};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use strongroom_guest::filesystem::preopens::get_directories;
use strongroom_guest::posix::{self, Access};
use strongroom_guest::tree::TreeFile;
use strongroom_guest::{
    AttributeChanges, Attributes, Ending, ErrorCode, File, NativeFile, OpenFlags, Result, Session, Usage,
    copy_by_reading,
};

pub struct WrongFile {
    world: Rc<World>,
    path: String,
    flags: OpenFlags,
    inner: TreeFile,
    upload: Option<Upload>,
    size_at_open: Option<u64>,
    writes: Cell<u32>,
    /// The lie `overlap-reads` keeps here what each read should have to itself.
    offset: Cell<u64>,
    native: RefCell<Option<NativeFile>>,
}

impl WrongFile {
    pub(crate) async fn open(world: &Rc<World>, path: &str, flags: OpenFlags, permissions: u16) -> Result<Self> {
        if !flags.difference(OpenFlags::READ).is_empty() {
            world.may_change()?;
        }
        let (upload, inner) = if world.publishes_at_close() && flags.contains(OpenFlags::WRITE) {
            let (upload, inner) = Upload::begin(world, path, flags, permissions).await?;
            (Some(upload), inner)
        } else {
            (None, world.tree.open(path, flags, permissions).await?)
        };
        Ok(Self {
            world: world.clone(),
            path: path.to_owned(),
            flags,
            size_at_open: inner.stat().await?.size,
            inner,
            upload,
            writes: Cell::new(0),
            offset: Cell::new(0),
            native: RefCell::new(if world.lies("native") { another_file() } else { None }),
        })
    }

    fn lies(&self, lie: &str) -> bool {
        self.world.lies(lie)
    }

    async fn size(&self) -> u64 {
        self.inner.stat().await.ok().and_then(|found| found.size).unwrap_or_default()
    }

    async fn cut(&self, size: u64) -> Result<()> {
        self.inner.set_stat(AttributeChanges { size: Some(size), ..AttributeChanges::NONE }).await
    }
}

/// A file of the granted directory that has nothing to do with any of ours.
fn another_file() -> Option<NativeFile> {
    let (directory, _) = get_directories().pop()?;
    let flags = posix::OpenFlags::READ | posix::OpenFlags::WRITE | posix::OpenFlags::CREATE;
    let descriptor = posix::open_at(&directory, "another", flags, 0o600).ok()?;
    posix::share(&descriptor, Access::READ | Access::WRITE).ok()
}

impl File for WrongFile {
    async fn read(&self, mut offset: u64, mut length: u32) -> Result<Vec<u8>> {
        if self.lies("overlap-reads") {
            self.offset.set(offset);
            pause().await;
            offset = self.offset.get();
        }
        match length {
            0 if self.lies("read-nothing") => return Err(ErrorCode::InvalidArgument.into()),
            1 if self.lies("read-before-end") => return Ok(vec![]),
            2 | 3 | 5 if self.lies("read-no-more") => length += 1,
            _ => {}
        }
        if self.lies("read-at-end") && offset > self.size().await {
            return Err(ErrorCode::InvalidArgument.into());
        }
        if self.lies("read-at-offset") && offset % 2 == 1 && offset < self.size().await {
            offset -= 1;
        }
        self.inner.read(offset, length).await
    }

    async fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut data = data.to_vec();
        if self.lies("overlap-files") {
            *self.world.shared_data.borrow_mut() = data;
            pause().await;
            data = self.world.shared_data.borrow().clone();
        }
        let writes = self.writes.replace(self.writes.get() + 1);
        if self.lies("write-in-order") && writes == 10 || self.lies("write-out-of-order") && writes > 0 && offset == 0 {
            return Ok(());
        }
        if self.lies("write-whole") {
            data.truncate(128 << 10);
        }
        let (size, is_short) = (self.size().await, data.len() < 100);
        if self.lies("write-past-end") && offset > size && is_short {
            self.inner.write(size, &vec![b'?'; (offset - size) as usize]).await?;
        }
        let end = offset + data.len() as u64;
        self.inner.write(offset, &data).await?;
        if self.lies("write-middle") && offset > 0 && end < size && is_short {
            self.cut(end).await?;
        }
        Ok(())
    }

    async fn stat(&self) -> Result<Attributes> {
        let mut found = self.inner.stat().await?;
        if self.lies("file-stat") {
            found.size = self.size_at_open;
        }
        Ok(found)
    }

    async fn set_stat(&self, mut changes: AttributeChanges) -> Result<()> {
        if self.lies("file-set-size") && changes.size > Some(self.size().await) {
            changes.size = None;
        }
        if self.lies("file-permissions") {
            changes.permissions = None;
        }
        if self.lies("file-times") {
            (changes.modified, changes.accessed) = (None, None);
        }
        if let Some(upload) = &self.upload {
            upload.note(&changes);
        }
        self.inner.set_stat(changes).await
    }

    async fn usage(&self) -> Result<Usage> {
        let mut usage = self.world.tree.usage("/").await?;
        if self.lies("file-usage") {
            usage.blocks *= 2;
        }
        Ok(usage)
    }

    async fn sync(&self) -> Result<()> {
        if self.lies("sync") { Err(ErrorCode::Unsupported.into()) } else { Ok(()) }
    }

    async fn copy_range(&self, offset: u64, length: Option<u64>, to: &Self, to_offset: u64) -> Result<u64> {
        match length {
            None if self.lies("copying") => {
                let all = self.size().await.saturating_sub(offset);
                copy_by_reading(self, offset, Some(all / 2), to, to_offset).await?;
                Ok(all)
            }
            Some(_) if self.lies("copying-range") => copy_by_reading(self, offset, None, to, to_offset).await,
            length => copy_by_reading(self, offset, length, to, to_offset).await,
        }
    }

    fn native(&self) -> Option<NativeFile> {
        self.native.take()
    }

    async fn close(self, ending: Ending) -> Result<()> {
        let tree = &self.world.tree;
        if let Some(upload) = &self.upload {
            let is_atomic = self.world.is_rich();
            if ending == Ending::Commit || !is_atomic || self.lies("discard-forgets") {
                return upload.publish(&self.world).await;
            }
            return upload.forget(&self.world).await;
        }
        let is_lost = match ending {
            Ending::Commit => self.lies("close-commit") && self.flags.contains(OpenFlags::EXCLUSIVE),
            Ending::Discard => self.lies("discard-keeps") && self.flags.contains(OpenFlags::WRITE),
        };
        if is_lost { tree.remove(&self.path).await } else { Ok(()) }
    }
}
