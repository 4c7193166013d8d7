//! How an upload ends: its gaps are filled, and one document publishes it in place of what was there; or it is forgotten.

use super::{Buffer, Upload, number};
use crate::bucket::{VERSIONS_MAX, Version, filename};
use crate::failure::Failure;
use bson::{Bson, DateTime, Document, doc};
use futures_util::future::try_join3;
use std::rc::Rc;
use strongroom_guest::{Error, ErrorCode, Result};

impl Upload {
    /// Publishes it.
    pub async fn commit(self: &Rc<Self>) -> Result<()> {
        self.ship_all(false)?;
        self.state.borrow_mut().buffers.clear();
        self.fill_gaps().await?;
        self.outbox.drain().await?;
        let old = self.bucket.versions(filename(&self.path), VERSIONS_MAX);
        let renewed = self.bucket.renew_record(self.id, false);
        let (old, is_directory, is_ours) = try_join3(old, self.bucket.is_directory(&self.path), renewed).await?;
        self.check_record(is_ours)?;
        if is_directory {
            return Err(ErrorCode::IsADirectory.into());
        }
        let document = self.document(old.first()).await?;
        // If this fails nobody knows whether the document is there, so that the chunks have to stay.
        self.is_open.set(false);
        self.bucket.database.insert_own(&self.bucket.files, document.to_vec().map_err(Failure::from)?).await?;
        // From here on it is published: what fails now is mended by a later session.
        if let Err(failure) = self.tidy_up(&old).await {
            eprintln!("what an upload leaves behind is left for a later session: {failure}");
        }
        Ok(())
    }

    async fn tidy_up(&self, old: &[Version]) -> Result<(), Failure> {
        self.bucket.destroy(old).await?;
        self.bucket.settle_later(filename(&self.path).to_owned());
        self.release_name().await?;
        self.bucket.end_record(&self.id.into()).await
    }

    async fn release_name(&self) -> Result<(), Failure> {
        if self.is_claimed { self.bucket.release_claim(&self.path, self.id).await } else { Ok(()) }
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
            "filename": filename(&self.path),
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
