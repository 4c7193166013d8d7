//! How an upload ends: its gaps are filled, and one document publishes it in place of what was there; or it is forgotten.

use super::{Buffer, Upload, number};
use crate::bucket::{VERSIONS_MAX, Version, filename};
use crate::failure::Failure;
use bson::{Bson, DateTime, Document, RawDocumentBuf, doc};
use futures_util::future::{join, try_join3};
use std::rc::Rc;
use strongroom_guest::{Error, ErrorCode, Result};

impl Upload {
    /// Publishes it, unless this session removed its name.
    pub async fn commit(self: &Rc<Self>) -> Result<()> {
        if self.path.is_removed() {
            return Ok(());
        }
        self.ship_all(false)?;
        self.state.borrow_mut().buffers.clear();
        self.fill_gaps().await?;
        self.outbox.drain().await?;
        let path = self.path.get();
        let old = self.bucket.versions(filename(&path), VERSIONS_MAX);
        let renewed = self.bucket.renew_record(self.id, false);
        let (old, is_directory, is_ours) = try_join3(old, self.bucket.is_directory(&path), renewed).await?;
        self.check_record(is_ours)?;
        if is_directory {
            return Err(ErrorCode::IsADirectory.into());
        }
        self.check_base(old.first())?;
        let document = self.document(old.first()).await?;
        if self.path.is_removed() {
            return Ok(());
        }
        // If this fails nobody knows whether the document is there, so that the chunks have to stay.
        self.is_open.set(false);
        self.insert(&document).await?;
        let (is_published, noted) = join(self.check_published(&document), self.bucket.note_removals(&old)).await;
        if !is_published? {
            self.bucket.end_notes(&old);
            self.release_name().await?;
            return self.check_record(false);
        }
        // From here on it is published: what fails now is mended by a later session.
        if let Err(failure) = self.tidy_up(noted, &old).await {
            eprintln!("what an upload leaves behind is left for a later session: {failure}");
        }
        Ok(())
    }

    /// Fails if what it began with is not what is there now: what another host wrote meanwhile would be lost.
    fn check_base(&self, newest: Option<&Version>) -> Result<()> {
        match (&self.base, newest) {
            (Some(base), Some(newest)) if base.version().id != newest.id => Err(Error::new(ErrorCode::Conflict)
                .with_detail("a file that was changed in the middle has another version meanwhile")),
            _ => Ok(()),
        }
    }

    async fn insert(&self, document: &Document) -> Result<()> {
        if self.bucket.database.insert_new(&self.bucket.files, document).await? {
            return Ok(());
        }
        // An insertion that was sent twice meets itself. Any other key that is taken is one of the bucket's owner.
        if self.bucket.version(&self.id.into()).await?.is_some() {
            return Ok(());
        }
        self.is_open.set(true);
        Err(Error::new(ErrorCode::Conflict).with_detail("an index of the bucket wants something to be there only once"))
    }

    /// Whether the chunks were still there when the document came: whoever gives an upload up says so in its record before it
    /// looks for a document. If they may not have been, the document is removed.
    async fn check_published(&self, document: &Document) -> Result<bool, Failure> {
        if self.bucket.renew_record(self.id, false).await? || !self.bucket.is_given_up(self.id).await? {
            return Ok(true);
        }
        let raw = RawDocumentBuf::try_from(document)?;
        let version: Vec<_> = Version::read(&raw)?.into_iter().collect();
        self.bucket.note_removals(&version).await?;
        self.bucket.remove_noted(&version).await?;
        Ok(false)
    }

    async fn tidy_up(&self, noted: Result<(), Failure>, old: &[Version]) -> Result<(), Failure> {
        let removed = match noted {
            Ok(()) => self.bucket.remove_noted(old).await,
            failed => failed,
        };
        self.bucket.settle_later(filename(&self.path.get()).to_owned());
        let released = self.release_name().await;
        self.bucket.end_upload_later(self.id);
        removed.and(released)
    }

    async fn release_name(&self) -> Result<(), Failure> {
        let claimed = self.claimed.take();
        match claimed {
            Some(path) => self.bucket.release_claim(&path, self.id).await,
            None => Ok(()),
        }
    }

    /// Gives it another name before it is published; that is claimed for it if it must not `replace` anything.
    pub async fn rename(&self, destination: &str, replace: bool) -> Result<()> {
        if !replace {
            self.bucket.claim(destination, self.id).await?;
        }
        let released = self.release_name().await;
        if !replace {
            self.claimed.replace(Some(destination.to_owned()));
        }
        Ok(released?)
    }

    /// Has it not published, because this session removed its name.
    pub async fn remove(&self) -> Result<()> {
        self.path.remove();
        Ok(self.release_name().await?)
    }

    /// Sends the chunks that nobody wrote: those of the base, and zeros.
    async fn fill_gaps(&self) -> Result<()> {
        let count = self.length().div_ceil(self.chunk_size.into());
        let gaps = self.state.borrow().sent.gaps(number(count)?);
        for gap in gaps {
            for n in gap {
                let data = self.content(n).await?;
                let used = 0;
                self.state.borrow_mut().buffers.insert(n, Buffer { data, is_dirty: true, used });
                self.ship(n, false)?;
                self.outbox.wait_for_room().await?;
                self.renew().await?;
            }
        }
        Ok(())
    }

    /// The document by which it is published, in place of `old`.
    async fn document(&self, old: Option<&Version>) -> Result<Document> {
        let now = self.bucket.database.now();
        let uploaded = match old {
            // The newest one is shown, whatever the clocks say.
            Some(old) if old.uploaded >= now => {
                DateTime::from_millis(old.uploaded.timestamp_millis().saturating_add(1))
            }
            _ => now,
        };
        let (length, kept) = {
            let state = self.state.borrow();
            let before = old.map(|old| old.kept.clone().without_times());
            (state.length, state.set.clone().or(before.unwrap_or_else(|| state.new.clone())))
        };
        let metadata = match old {
            Some(old) => self.bucket.metadata(&old.id).await?,
            None => None,
        };
        let metadata = match metadata {
            None | Some(Bson::Null) => doc! { "strongroom": kept.to_document() }.into(),
            Some(Bson::Document(mut metadata)) => {
                metadata.insert("strongroom", kept.to_document());
                metadata.into()
            }
            Some(other) => other,
        };
        Ok(doc! {
            "_id": self.id,
            "length": i64::try_from(length).map_err(Error::failure)?,
            "chunkSize": i32::try_from(self.chunk_size).map_err(Error::failure)?,
            "uploadDate": uploaded,
            "filename": filename(&self.path.get()),
            "metadata": metadata,
        })
    }

    /// Forgets it.
    pub async fn discard(self: &Rc<Self>) -> Result<()> {
        self.is_open.set(false);
        self.outbox.stop().await;
        self.bucket.delete_unpublished(&self.id.into()).await?;
        Ok(self.release_name().await?)
    }
}
