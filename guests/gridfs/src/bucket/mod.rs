//! A bucket of GridFS: the collections that its specification names, and one of our own beside them.
//!
//! - `BUCKET.files` has a document for each version of a file, `BUCKET.chunks` its bytes. Both are as any other program
//!   for GridFS wants them; what SFTP knows beyond is in `metadata.strongroom`.
//! - `BUCKET.strongroom` has what GridFS has no place for. Directories: `_id` is the path, `kind` is `directory`. Names that
//!   one session alone may make, for as long as it does (`kind` is `claim`): the same `_id`, so that only one of both can be.
//!   And a record for each upload and each removal that is under way, whose `_id` is `{file: …}`: chunks without a file are
//!   found by it when whoever stored them is gone. Its `kind` is `upload`, `removal`, or `given-up` for an upload that somebody
//!   else cleans up.

mod catalog;
mod changes;
mod chunks;
mod claims;
mod destruction;
mod kept;
mod listing;
mod names;
mod opened;
mod rename;
mod usage;
mod version;

pub use catalog::Found;
pub use chunks::{CHUNKS_AT_ONCE, Chunk, encode_chunks};
pub use destruction::VERSIONS_MAX;
pub use kept::Kept;
pub use listing::Listing;
pub use names::{check_new, filename};
pub use opened::OpenPath;
pub use version::Version;

use crate::database::Database;
use crate::failure::Failure;
use crate::upload::Upload;
use bson::doc;
use destruction::Holds;
use futures_channel::oneshot;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::Future;
use std::rc::{Rc, Weak};

/// The index of that key is there, by another name or with other options.
const INDEX_CONFLICTS: [i32; 2] = [85, 86];

/// How a bucket is used.
pub struct Options {
    /// The bytes of the chunks of new files.
    pub chunk_size: u32,
    /// After how many milliseconds without a sign of life an upload counts as given up.
    pub orphan_age_ms: i64,
}

/// A bucket, as one session uses it.
pub struct Bucket {
    pub(crate) database: Database,
    pub(crate) files: String,
    pub(crate) chunks: String,
    pub(crate) names: String,
    pub(crate) options: Options,
    has_indexes: Cell<bool>,
    /// Directories that are known to have a document.
    made: RefCell<HashSet<String>>,
    pub(crate) holds: RefCell<Holds>,
    /// The uploads of this session, which it sees before they are published.
    uploads: RefCell<Vec<Weak<Upload>>>,
    /// The names of the files that it has open.
    paths: RefCell<Vec<Weak<OpenPath>>>,
    /// Bytes of chunks that are being read, and how many files are open for that.
    pub(crate) loading: Cell<usize>,
    pub(crate) readers: Cell<usize>,
    /// Work that goes on beside the calls, and who waits for its end.
    background: Cell<usize>,
    idle: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Bucket {
    /// The bucket `name` of `database`.
    pub fn new(database: Database, name: &str, options: Options) -> Rc<Self> {
        Rc::new(Self {
            database,
            files: format!("{name}.files"),
            chunks: format!("{name}.chunks"),
            names: format!("{name}.strongroom"),
            options,
            has_indexes: Cell::new(false),
            made: RefCell::default(),
            holds: RefCell::default(),
            uploads: RefCell::default(),
            paths: RefCell::default(),
            loading: Cell::new(0),
            readers: Cell::new(0),
            background: Cell::new(0),
            idle: RefCell::default(),
        })
    }

    /// Makes the indexes that the specification wants before the first write to a bucket, if nothing was ever written.
    pub async fn ensure_indexes(&self) -> Result<(), Failure> {
        if self.has_indexes.get() {
            return Ok(());
        }
        let any = self.database.find(&self.files, doc! {}, doc! { "_id": 1 }, doc! {}, 1).await?;
        if any.first()?.is_none() {
            let name = doc! { "key": { "filename": 1, "uploadDate": 1 }, "name": "filename_1_uploadDate_1" };
            self.create_index(doc! { "createIndexes": &self.files, "indexes": [name] }).await?;
            let chunk = doc! { "key": { "files_id": 1, "n": 1 }, "name": "files_id_1_n_1", "unique": true };
            self.create_index(doc! { "createIndexes": &self.chunks, "indexes": [chunk] }).await?;
        }
        self.has_indexes.set(true);
        Ok(())
    }

    async fn create_index(&self, command: bson::Document) -> Result<(), Failure> {
        match self.database.run(command, None).await {
            Err(failure) if INDEX_CONFLICTS.iter().any(|code| failure.is_code(*code)) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Starts work that the session waits for at its end, and no call before.
    pub fn in_background(self: &Rc<Self>, work: impl Future<Output = ()> + 'static) {
        let bucket = Rc::clone(self);
        bucket.background.set(bucket.background.get() + 1);
        crate::system::spawn(async move {
            work.await;
            bucket.background.set(bucket.background.get().saturating_sub(1));
            if bucket.background.get() == 0 {
                for waiting in bucket.idle.take() {
                    // Who does not wait any more needs no word.
                    let _ = waiting.send(());
                }
            }
        });
    }

    /// Returns when nothing goes on in the background.
    pub async fn wait_for_background(&self) {
        while self.background.get() > 0 {
            let (sender, idle) = oneshot::channel();
            self.idle.borrow_mut().push(sender);
            let _ = idle.await;
        }
    }
}
