//! How versions end, and what whoever was cut off left behind.
//!
//! A record is there before the first chunk of an upload, and before the document of a version is deleted. So chunks without a
//! document can always be found: their record is old, or speaks of a removal, and no document has their id. That is looked
//! for each time before chunks are deleted: another host may have renamed meanwhile what was to be removed.

use super::{Bucket, Version};
use crate::failure::Failure;
use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// How many versions of a name one more replaces.
pub const VERSIONS_MAX: u32 = 1000;
/// How much is cleaned up at one connect, lest its session does nothing else.
const CLEANED_MAX: u32 = 100;
/// A removal that is so old is under way no more, in milliseconds, unless uploads are given up sooner.
const REMOVAL_MS: i64 = 10 * 60 * 1000;

/// The kind of the record of an upload that others gave up.
const GIVEN_UP: &str = "given-up";

/// Versions that this session has open, by their ids: their chunks stay until they are closed.
#[derive(Default)]
pub struct Holds(HashMap<Vec<u8>, Hold>);

#[derive(Default)]
struct Hold {
    count: usize,
    /// Whether its chunks are to be deleted when nobody reads them any more.
    is_doomed: bool,
}

impl Bucket {
    /// Keeps the chunks of a version, until [`Bucket::release`].
    pub fn hold(&self, version: &Version) {
        self.holds.borrow_mut().0.entry(key(&version.id)).or_default().count += 1;
    }

    /// Ends what [`Bucket::hold`] began.
    pub fn release(self: &Rc<Self>, version: &Version) {
        let mut holds = self.holds.borrow_mut();
        let key = key(&version.id);
        let Some(hold) = holds.0.get_mut(&key) else { return };
        hold.count = hold.count.saturating_sub(1);
        if hold.count > 0 {
            return;
        }
        let is_doomed = hold.is_doomed;
        holds.0.remove(&key);
        drop(holds);
        if is_doomed {
            self.delete_later(vec![version.id.clone()]);
        }
    }

    /// Removes versions of one name: from the names at once, their bytes when nobody in this session reads them any more. One
    /// that another host gave another name meanwhile stays.
    pub async fn destroy(self: &Rc<Self>, versions: &[Version]) -> Result<(), Failure> {
        self.note_removals(versions).await?;
        self.remove_noted(versions).await
    }

    /// Notes that versions are about to be removed.
    pub async fn note_removals(&self, versions: &[Version]) -> Result<(), Failure> {
        if versions.is_empty() {
            return Ok(());
        }
        let mut records = vec![];
        for version in versions {
            let change = doc! { "$set": { "kind": "removal", "renewed": self.database.now() } };
            let update = doc! { "q": { "_id": record(&version.id) }, "u": change, "upsert": true };
            records.extend(update.to_vec()?);
        }
        self.database.update_many(&self.names, records).await.map(drop)
    }

    /// Ends what [`Bucket::note_removals`] began, for versions that stay, later.
    pub fn end_notes(self: &Rc<Self>, versions: &[Version]) {
        self.delete_later(versions.iter().map(|version| version.id.clone()).collect());
    }

    /// Removes versions of one name whose removal is noted.
    pub async fn remove_noted(self: &Rc<Self>, versions: &[Version]) -> Result<(), Failure> {
        let Some(Version { name, .. }) = versions.first() else { return Ok(()) };
        let ids: Vec<_> = versions.iter().map(|version| version.id.clone()).collect();
        self.database.delete(&self.files, doc! { "_id": { "$in": ids }, "filename": name }).await?;
        let mut free = vec![];
        for version in versions {
            match self.holds.borrow_mut().0.get_mut(&key(&version.id)) {
                Some(hold) => hold.is_doomed = true,
                None => free.push(version.id.clone()),
            }
        }
        self.delete_later(free);
        Ok(())
    }

    /// Removes all versions of `name` but the newest, later: of two sessions that replaced one version at the same time neither
    /// knows of the other's, until both are published. Whoever looks then removes what is the older.
    pub fn settle_later(self: &Rc<Self>, name: String) {
        let bucket = Rc::clone(self);
        self.in_background(async move {
            let settled = match bucket.versions(&name, VERSIONS_MAX).await {
                Ok(versions) => bucket.destroy(versions.get(1..).unwrap_or_default()).await,
                Err(failure) => Err(failure),
            };
            if let Err(failure) = settled {
                eprintln!("an older version is left until the name is written again: {failure}");
            }
        });
    }

    /// Deletes chunks, and then the records that tell of them. If that fails, a later connect does it by the record.
    fn delete_later(self: &Rc<Self>, files: Vec<Bson>) {
        let bucket = Rc::clone(self);
        self.in_background(async move {
            if let Err(failure) = bucket.remove_orphans_of(&files).await {
                eprintln!("chunks of a removed file are left for a later session: {failure}");
            }
        });
    }

    /// Deletes the chunks of those that have no document, and the records of all.
    async fn remove_orphans_of(&self, files: &[Bson]) -> Result<(), Failure> {
        if files.is_empty() {
            return Ok(());
        }
        let limit = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let filter = doc! { "_id": { "$in": files } };
        let found = self.database.find(&self.files, filter, doc! { "_id": 1 }, doc! {}, limit).await?;
        let mut kept = HashSet::new();
        for document in found.documents()? {
            kept.extend(document.get("_id")?.map(Bson::try_from).transpose()?.map(|id| key(&id)));
        }
        for id in files {
            if kept.contains(&key(id)) {
                self.end_record(id).await?;
            } else {
                self.delete_unpublished(id).await?;
            }
        }
        Ok(())
    }

    /// Deletes the chunks of what has no document, and its record.
    pub async fn delete_unpublished(&self, id: &Bson) -> Result<(), Failure> {
        self.delete_chunks(id, 0).await?;
        self.end_record(id).await
    }

    /// Notes that an upload is under way.
    pub async fn begin_record(&self, id: ObjectId) -> Result<(), Failure> {
        let document = doc! { "_id": record(&id.into()), "kind": "upload", "renewed": self.database.now() };
        self.database.insert_own(&self.names, document.to_vec()?).await
    }

    /// Notes that it still is; with `is_durable` that is on the server's disk when this returns, and so is what was sent
    /// before. `false` if the upload was given up by others.
    pub async fn renew_record(&self, id: ObjectId, is_durable: bool) -> Result<bool, Failure> {
        let update = doc! {
            "q": { "_id": record(&id.into()), "kind": "upload" },
            "u": { "$set": { "renewed": self.database.now() } },
        };
        Ok(self.database.update_durably(&self.names, update, is_durable).await?.matched > 0)
    }

    /// Whether an upload was given up by others, if its record does not say that it is one any more. It was not if another
    /// host removes or has removed what was published already.
    pub async fn is_given_up(&self, id: ObjectId) -> Result<bool, Failure> {
        let found = self.database.find(&self.names, doc! { "_id": record(&id.into()) }, doc! {}, doc! {}, 1).await?;
        match found.first()? {
            Some(record) => Ok(record.get_str("kind").is_ok_and(|kind| kind == GIVEN_UP)),
            None => Ok(self.version(&id.into()).await?.is_some()),
        }
    }

    /// Notes that an upload is done, later.
    pub fn end_upload_later(self: &Rc<Self>, id: ObjectId) {
        let bucket = Rc::clone(self);
        self.in_background(async move {
            // By now its record may speak of a removal, which is another's.
            let filter = doc! { "_id": record(&id.into()), "kind": "upload" };
            if let Err(failure) = bucket.database.delete(&bucket.names, filter).await {
                eprintln!("the record of an upload is left for a later session: {failure}");
            }
        });
    }

    async fn end_record(&self, id: &Bson) -> Result<(), Failure> {
        self.database.delete(&self.names, doc! { "_id": record(id) }).await.map(drop)
    }

    /// Removes what others left behind when they were cut off.
    pub fn clean_up(self: &Rc<Self>) {
        let bucket = Rc::clone(self);
        self.in_background(async move {
            if let Err(failure) = bucket.remove_orphans().await {
                eprintln!("what others left behind is left for a later session: {failure}");
            }
        });
    }

    async fn remove_orphans(&self) -> Result<(), Failure> {
        let uploads = self.given_up_before();
        let removals = bson::DateTime::from_millis(self.database.now().timestamp_millis().saturating_sub(REMOVAL_MS));
        let removals = removals.max(uploads);
        for (kind, before) in [("removal", removals), (GIVEN_UP, removals), ("upload", uploads)] {
            let old = |record: Bson| doc! { "_id": record, "kind": kind, "renewed": { "$lt": before } };
            let records = doc! { "$gt": {} };
            let found = self.database.find(&self.names, old(records.into()), doc! { "_id": 1 }, doc! {}, CLEANED_MAX);
            for document in found.await?.documents()? {
                let Ok(record) = document.get_document("_id") else { continue };
                let Some(id) = record.get("file")? else { continue };
                let id = Bson::try_from(id)?;
                // From here on its upload finds that it was given up.
                let taken = doc! { "$set": { "kind": if kind == "upload" { GIVEN_UP } else { kind } } };
                let record = Bson::Document(Document::try_from(record)?);
                if self.database.update(&self.names, old(record), taken).await?.matched > 0 {
                    self.remove_orphans_of(&[id]).await?;
                }
            }
        }
        Ok(())
    }
}

/// The key of a file's record.
fn record(id: &Bson) -> Bson {
    doc! { "file": id }.into()
}

/// An id as bytes, which can be compared.
pub fn key(id: &Bson) -> Vec<u8> {
    // What came out of a document goes into one.
    doc! { "": id }.to_vec().unwrap_or_default()
}
