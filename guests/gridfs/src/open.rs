//! An open file: one that is read as it is published, until it is written; from then on a version of its own.

use crate::bucket::{Bucket, Found, Kept, OpenPath};
use crate::reader::Reader;
use crate::upload::Upload;
use bson::oid::ObjectId;
use std::cell::RefCell;
use std::rc::Rc;
use strongroom_guest::{AttributeChanges, Attributes, Ending, ErrorCode, File, OpenFlags, Result, Usage};

/// An open file.
pub struct OpenFile {
    bucket: Rc<Bucket>,
    path: Rc<OpenPath>,
    flags: OpenFlags,
    mode: RefCell<Mode>,
}

#[derive(Clone)]
enum Mode {
    Published(Rc<Reader>),
    Upload(Rc<Upload>),
}

impl OpenFile {
    /// `session.open`.
    pub async fn open(bucket: &Rc<Bucket>, path: &str, flags: OpenFlags, permissions: u16) -> Result<Self> {
        let is_new = flags.contains(OpenFlags::CREATE);
        let found = bucket.look(path).await?;
        let opened = bucket.open_path(path);
        let mode = match found {
            Found::Directory(_) if flags.contains(OpenFlags::EXCLUSIVE) => return Err(ErrorCode::AlreadyExists.into()),
            Found::Directory(_) => return Err(ErrorCode::IsADirectory.into()),
            Found::File(_) if flags.contains(OpenFlags::EXCLUSIVE) => return Err(ErrorCode::AlreadyExists.into()),
            Found::File(version) if flags.contains(OpenFlags::TRUNCATE) => {
                Mode::Upload(Upload::begin(bucket, &opened, None, version.kept.without_times(), None).await?)
            }
            Found::File(version) => Mode::Published(Reader::open(bucket, version)?),
            Found::Nothing if is_new => {
                crate::bucket::check_new(path)?;
                bucket.check_parent(path).await?;
                let claim = if flags.contains(OpenFlags::EXCLUSIVE) { Some(ObjectId::new()) } else { None };
                if let Some(who) = claim {
                    bucket.claim(path, who).await?;
                }
                let new = Kept::with_permissions(permissions);
                let upload = Upload::begin(bucket, &opened, None, new, claim).await;
                if let (Err(_), Some(who)) = (&upload, claim) {
                    // Its own failure would hide the one that is told; the claim ends with its age then.
                    let _ = bucket.release_claim(path, who).await;
                }
                Mode::Upload(upload?)
            }
            Found::Nothing => return Err(ErrorCode::NoSuchFile.into()),
        };
        Ok(Self { bucket: Rc::clone(bucket), path: opened, flags, mode: RefCell::new(mode) })
    }

    fn mode(&self) -> Mode {
        self.mode.borrow().clone()
    }

    /// The version of its own, which begins here if it has not yet.
    async fn upload(&self) -> Result<Rc<Upload>> {
        let reader = match self.mode() {
            Mode::Upload(upload) => return Ok(upload),
            Mode::Published(reader) => reader,
        };
        if !self.flags.contains(OpenFlags::WRITE) {
            return Err(ErrorCode::PermissionDenied.into());
        }
        let kept = reader.version().kept.clone().without_times();
        let upload = Upload::begin(&self.bucket, &self.path, Some(reader), kept, None).await?;
        *self.mode.borrow_mut() = Mode::Upload(Rc::clone(&upload));
        Ok(upload)
    }
}

impl File for OpenFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        match self.mode() {
            Mode::Published(reader) => Ok(reader.read(offset, length.into()).await?),
            Mode::Upload(upload) => upload.read(offset, length.into()).await,
        }
    }

    async fn stat(&self) -> Result<Attributes> {
        match self.mode() {
            Mode::Upload(upload) => Ok(upload.attributes()),
            Mode::Published(reader) => {
                // What was set since it was opened; a version that was removed is still what it was.
                let now = self.bucket.version(&reader.version().id).await?;
                Ok(now.as_ref().unwrap_or(reader.version()).attributes())
            }
        }
    }

    async fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let upload = self.upload().await?;
        let offset = if self.flags.contains(OpenFlags::APPEND) { upload.length() } else { offset };
        upload.write(offset, data).await
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        if let Some(size) = changes.size {
            self.upload().await?.resize(size).await?;
        }
        let kept = Kept::of_changes(&changes);
        match self.mode() {
            Mode::Upload(upload) => upload.set(kept),
            Mode::Published(reader) => self.bucket.keep_of_version(&reader.version().id, &kept).await?,
        }
        if changes.extended.is_empty() { Ok(()) } else { Err(ErrorCode::Unsupported.into()) }
    }

    async fn usage(&self) -> Result<Usage> {
        self.bucket.usage().await?.ok_or_else(|| ErrorCode::Unsupported.into())
    }

    async fn sync(&self) -> Result<()> {
        match self.mode() {
            Mode::Upload(upload) => upload.sync().await,
            Mode::Published(_) => Ok(()),
        }
    }

    async fn close(self, ending: Ending) -> Result<()> {
        let upload = match self.mode.into_inner() {
            Mode::Published(reader) => {
                reader.close();
                return Ok(());
            }
            Mode::Upload(upload) => upload,
        };
        let result = match ending {
            Ending::Commit => upload.commit().await,
            Ending::Discard => Ok(()),
        };
        let mut tidied = Ok(());
        if upload.is_open() {
            tidied = upload.discard().await;
        }
        upload.close();
        result.and(tidied)
    }
}
