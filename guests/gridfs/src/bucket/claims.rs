//! Names that one session alone may make: for something that must not be there already, no index of GridFS's own can tell who
//! was first. A claim and a directory have the same key, so that only one of them can be there.

use super::{Bucket, Found, filename};
use crate::failure::Failure;
use bson::oid::ObjectId;
use bson::{Document, doc};
use futures_util::future::try_join;
use strongroom_guest::{ErrorCode, Result};

impl Bucket {
    /// Claims `path` for `who`; `already-exists` if there is anything, or somebody else claims it. Until
    /// [`Bucket::release_claim`], nobody else makes anything there that must not be there already.
    pub async fn claim(&self, path: &str, who: ObjectId) -> Result<()> {
        if !self.insert_claim(path, who).await? {
            return Err(ErrorCode::AlreadyExists.into());
        }
        // Looked for after the claim: whoever published before has published, whoever claims later sees this one.
        let look = try_join(self.versions(filename(path), 1), self.has_files_beneath(path)).await;
        match look {
            Ok((versions, false)) if versions.is_empty() => Ok(()),
            Ok(_) => {
                self.release_claim(path, who).await?;
                Err(ErrorCode::AlreadyExists.into())
            }
            Err(failure) => {
                self.release_claim(path, who).await?;
                Err(failure.into())
            }
        }
    }

    async fn insert_claim(&self, path: &str, who: ObjectId) -> Result<bool, Failure> {
        let claim = doc! { "_id": path, "kind": "claim", "by": who, "renewed": self.database.now() };
        if self.database.insert_new(&self.names, &claim).await? {
            return Ok(true);
        }
        let given_up = doc! { "_id": path, "kind": "claim", "renewed": { "$lt": self.given_up_before() } };
        self.database.delete(&self.names, given_up).await?;
        if self.database.insert_new(&self.names, &claim).await? {
            return Ok(true);
        }
        // An insertion that was sent twice meets itself.
        let ours =
            self.database.find(&self.names, doc! { "_id": path, "by": who }, doc! { "_id": 1 }, doc! {}, 1).await?;
        Ok(ours.first()?.is_some())
    }

    /// Ends a claim.
    pub async fn release_claim(&self, path: &str, who: ObjectId) -> Result<(), Failure> {
        self.database.delete(&self.names, doc! { "_id": path, "kind": "claim", "by": who }).await.map(drop)
    }

    /// Makes the document of a directory; `false` if the name is taken by another, or by somebody who claims it.
    pub async fn insert_directory(&self, path: &str, attributes: Document) -> Result<bool, Failure> {
        let who = ObjectId::new();
        let document = doc! { "_id": path, "kind": "directory", "attributes": attributes, "by": who };
        if self.database.insert_new(&self.names, &document).await? {
            return Ok(true);
        }
        let given_up = doc! { "_id": path, "kind": "claim", "renewed": { "$lt": self.given_up_before() } };
        self.database.delete(&self.names, given_up).await?;
        if self.database.insert_new(&self.names, &document).await? {
            return Ok(true);
        }
        let ours =
            self.database.find(&self.names, doc! { "_id": path, "by": who }, doc! { "_id": 1 }, doc! {}, 1).await?;
        Ok(ours.first()?.is_some())
    }

    /// What showed no life since this time is given up.
    pub fn given_up_before(&self) -> bson::DateTime {
        let now = self.database.now().timestamp_millis();
        bson::DateTime::from_millis(now.saturating_sub(self.options.orphan_age_ms))
    }

    /// `already-exists` if anything is at `path`.
    pub async fn check_nothing_at(&self, path: &str) -> Result<()> {
        match self.look(path).await? {
            Found::Nothing => Ok(()),
            Found::File(_) | Found::Directory(_) => Err(ErrorCode::AlreadyExists.into()),
        }
    }
}
