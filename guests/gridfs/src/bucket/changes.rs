//! Changes to single names: directories made and removed, files removed, attributes set.

use super::names::{Range, check_new, filename};
use super::{Bucket, Found, Kept};
use crate::failure::Failure;
use bson::{Bson, Document, doc};
use std::rc::Rc;
use strongroom_guest::{ErrorCode, Result, path};

/// How many versions are removed at once.
const VERSIONS_AT_ONCE: u32 = 500;

impl Bucket {
    /// `session.make-directory`.
    pub async fn make_directory(&self, path: &str, permissions: u16) -> Result<()> {
        check_new(path)?;
        self.check_nothing_at(path).await?;
        if self.upload_of(path).is_some() {
            return Err(ErrorCode::AlreadyExists.into());
        }
        self.check_parent(path).await?;
        self.keep_parent(path).await?;
        let attributes = Kept { modified: Some(self.database.now()), ..Kept::with_permissions(permissions) };
        if !self.insert_directory(path, attributes.to_document()).await? {
            return Err(ErrorCode::AlreadyExists.into());
        }
        self.made.borrow_mut().insert(path.to_owned());
        Ok(())
    }

    /// `session.remove-directory`.
    pub async fn remove_directory(&self, path: &str) -> Result<()> {
        match self.look(path).await? {
            Found::Nothing => return Err(ErrorCode::NoSuchFile.into()),
            Found::File(_) => return Err(ErrorCode::NotADirectory.into()),
            Found::Directory(_) if path == "/" => return Err(ErrorCode::Busy.into()),
            Found::Directory(_) => {}
        }
        if !self.is_empty(path).await? {
            return Err(ErrorCode::NotEmpty.into());
        }
        self.keep_parent(path).await?;
        self.forget_directory(path).await?;
        Ok(())
    }

    /// Whether a directory has no entries.
    pub async fn is_empty(&self, path: &str) -> Result<bool, Failure> {
        let filter = doc! { "_id": Range::of_paths(path).condition(), "kind": "directory" };
        let beneath = self.database.find(&self.names, filter, doc! { "_id": 1 }, doc! {}, 1).await?;
        let has_others = beneath.first()?.is_some() || self.has_files_beneath(path).await?;
        Ok(!has_others && !self.has_upload_beneath(path))
    }

    /// Deletes the document of a directory.
    pub async fn forget_directory(&self, path: &str) -> Result<(), Failure> {
        self.made.borrow_mut().remove(path);
        self.database.delete(&self.names, doc! { "_id": path, "kind": "directory" }).await.map(drop)
    }

    /// `session.remove`.
    pub async fn remove(self: &Rc<Self>, path: &str) -> Result<()> {
        let found = self.look(path).await?;
        if found != Found::Nothing || self.upload_of(path).is_none() {
            found.into_file()?;
        }
        self.keep_parent(path).await?;
        while let Some(upload) = self.upload_of(path) {
            upload.remove().await?;
        }
        self.forget_open(path);
        loop {
            let versions = self.versions(filename(path), VERSIONS_AT_ONCE).await?;
            if versions.is_empty() {
                return Ok(());
            }
            self.destroy(&versions).await?;
        }
    }

    /// Gives the directory that `path` is in, and those above it, documents of their own, so that they stay when what is in
    /// them goes.
    pub async fn keep_parent(&self, path: &str) -> Result<(), Failure> {
        let mut updates = vec![];
        let mut made = vec![];
        let mut path = path;
        while let Some((parent, _)) = path::split(path) {
            path = parent;
            if path != "/" && !self.made.borrow().contains(path) {
                let change = doc! { "$setOnInsert": { "kind": "directory", "attributes": {} } };
                updates.extend(doc! { "q": { "_id": path }, "u": change, "upsert": true }.to_vec()?);
                made.push(path.to_owned());
            }
        }
        if !updates.is_empty() {
            match self.database.update_many(&self.names, updates).await {
                Err(failure) if failure.is_code(crate::failure::DUPLICATE_KEY) => {}
                result => drop(result?),
            }
            self.made.borrow_mut().extend(made);
        }
        Ok(())
    }

    /// Changes what is kept of what is at `path`.
    pub async fn keep(&self, path: &str, kept: &Kept) -> Result<()> {
        match self.look(path).await? {
            Found::Nothing => Err(ErrorCode::NoSuchFile.into()),
            Found::File(version) => self.keep_of_version(&version.id, kept).await,
            Found::Directory(_) => {
                let mut change = doc! { "$setOnInsert": { "kind": "directory" } };
                let fields = prefixed("attributes", kept);
                if fields.is_empty() {
                    return Ok(());
                }
                change.insert("$set", fields);
                self.keep_parent(path).await?;
                self.database.upsert(&self.names, doc! { "_id": path }, change).await?;
                Ok(())
            }
        }
    }

    /// Changes what is kept of a version, beside what others keep of it.
    pub async fn keep_of_version(&self, id: &Bson, kept: &Kept) -> Result<()> {
        if kept.to_document().is_empty() {
            return Ok(());
        }
        let fields = self.fields_of_version(id, kept).await?.ok_or(ErrorCode::Unsupported)?;
        match self.database.update(&self.files, doc! { "_id": id }, doc! { "$set": fields }).await?.matched {
            0 => Err(ErrorCode::NoSuchFile.into()),
            _ => Ok(()),
        }
    }

    /// The fields to set so that this is kept of a version; `None` if others keep something there that leaves no room.
    pub async fn fields_of_version(&self, id: &Bson, kept: &Kept) -> Result<Option<Document>, Failure> {
        Ok(match self.metadata(id).await? {
            None => Some(prefixed("metadata.strongroom", kept)),
            Some(Bson::Null) => Some(doc! { "metadata": { "strongroom": kept.to_document() } }),
            Some(Bson::Document(metadata)) => match metadata.get("strongroom") {
                None | Some(Bson::Document(_)) => Some(prefixed("metadata.strongroom", kept)),
                Some(_) => Some(doc! { "metadata.strongroom": kept.to_document() }),
            },
            Some(_) => None,
        })
    }
}

fn prefixed(prefix: &str, kept: &Kept) -> Document {
    kept.to_document().into_iter().map(|(name, value)| (format!("{prefix}.{name}"), value)).collect()
}
