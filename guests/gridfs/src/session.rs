//! A client's session: the contract's operations, each as the bucket has it.

use crate::bucket::{Bucket, Found, Kept, Listing};
use crate::database::Database;
use crate::open::OpenFile;
use crate::pool::Pool;
use crate::settings::Configuration;
use std::cell::RefCell;
use std::rc::Rc;
use strongroom_guest::{
    AttributeChanges, Attributes, Client, Connected, Directory, DirectoryEntry, Ending, ErrorCode, Features, File,
    OpenFlags, Result, Session, Settings, Storage, Usage,
};

/// The most that OpenSSH's clients ask for at once; a chunk, unless set otherwise.
const TRANSFER_SIZE: u32 = 261_120;
/// The most entries of one answer.
const ENTRIES_MAX: u32 = 1024;

/// Whatever the server; `usage` only where it tells.
const FEATURES: Features = Features::ATOMIC_REPLACE
    .union(Features::SYNC)
    .union(Features::PERMISSIONS)
    .union(Features::OWNERSHIP)
    .union(Features::TIMES)
    .union(Features::RANDOM_WRITE)
    .union(Features::ATOMIC_UPLOAD);

/// The storage.
pub struct Gridfs;

/// A session.
pub struct GridfsSession(Rc<Bucket>);

/// An open directory.
pub struct OpenDirectory {
    bucket: Rc<Bucket>,
    /// Away while it is being read.
    listing: RefCell<Option<Listing>>,
}

impl Storage for Gridfs {
    type Session = GridfsSession;

    async fn connect(_client: Client, settings: &mut Settings) -> Result<Connected<GridfsSession>> {
        let Configuration { target, database, bucket, options } = Configuration::take(settings)?;
        let database = Database::new(Pool::new(target), database);
        let bucket = Bucket::new(database, &bucket, options);
        bucket.check().await?;
        bucket.clean_up();
        let mut features = FEATURES;
        features.set(Features::USAGE, bucket.is_usage_told().await);
        Ok(Connected::new(GridfsSession(bucket)).with_features(features).with_transfer_size(TRANSFER_SIZE))
    }
}

impl Session for GridfsSession {
    type File = OpenFile;
    type Directory = OpenDirectory;

    async fn open(&self, path: &str, flags: OpenFlags, permissions: u16) -> Result<OpenFile> {
        OpenFile::open(&self.0, path, flags, permissions).await
    }

    async fn open_directory(&self, path: &str) -> Result<OpenDirectory> {
        match self.0.look(path).await? {
            Found::Directory(_) => {}
            Found::File(_) => return Err(ErrorCode::NotADirectory.into()),
            Found::Nothing => return Err(ErrorCode::NoSuchFile.into()),
        }
        Ok(OpenDirectory { bucket: Rc::clone(&self.0), listing: RefCell::new(Some(Listing::new(path))) })
    }

    async fn stat(&self, path: &str, _follow: bool) -> Result<Attributes> {
        match (self.0.look(path).await?, self.0.upload_of(path)) {
            // What this client writes is there for it before it is for others.
            (Found::Nothing, Some(upload)) => Ok(upload.attributes()),
            (found, _) => found.attributes(),
        }
    }

    async fn set_stat(&self, path: &str, follow: bool, changes: AttributeChanges) -> Result<()> {
        if changes.is_empty() {
            return self.stat(path, follow).await.map(drop);
        }
        let kept = Kept::of_changes(&changes);
        if let Some(upload) = self.0.upload_of(path) {
            // What is open for writing is published after this, in place of what is there.
            if let Some(size) = changes.size {
                upload.resize(size).await?;
            }
            upload.set(kept.clone());
            if self.0.look(path).await? != Found::Nothing {
                self.0.keep(path, &kept).await?;
            }
        } else {
            if let Some(size) = changes.size {
                let file = OpenFile::open(&self.0, path, OpenFlags::WRITE, 0).await?;
                let resized = file.set_stat(AttributeChanges { size: Some(size), ..AttributeChanges::NONE }).await;
                let ending = if resized.is_ok() { Ending::Commit } else { Ending::Discard };
                resized.and(file.close(ending).await)?;
            }
            self.0.keep(path, &kept).await?;
        }
        if changes.extended.is_empty() { Ok(()) } else { Err(ErrorCode::Unsupported.into()) }
    }

    async fn make_directory(&self, path: &str, permissions: u16) -> Result<()> {
        self.0.make_directory(path, permissions).await
    }

    async fn remove_directory(&self, path: &str) -> Result<()> {
        self.0.remove_directory(path).await
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.0.remove(path).await
    }

    async fn rename(&self, source: &str, destination: &str, replace: bool) -> Result<()> {
        self.0.rename(source, destination, replace).await
    }

    async fn usage(&self, path: &str) -> Result<Usage> {
        self.0.look(path).await?.attributes()?;
        self.0.usage().await?.ok_or_else(|| ErrorCode::Unsupported.into())
    }

    async fn close(self) -> Result<()> {
        self.0.wait_for_background().await;
        Ok(())
    }
}

impl Directory for OpenDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>> {
        // One at a time, as the host promises.
        let Some(mut listing) = self.listing.take() else { return Err(ErrorCode::Busy.into()) };
        let mut entries = vec![];
        let mut result = Ok(());
        while entries.len() < max.min(ENTRIES_MAX) as usize {
            match listing.next(&self.bucket).await {
                Ok(Some(entry)) => entries.push(entry),
                Ok(None) => break,
                Err(failure) => {
                    result = Err(failure.into());
                    break;
                }
            }
        }
        self.listing.replace(Some(listing));
        result.map(|()| entries)
    }
}
