//! Renaming files, and directories with all that is beneath them.
//!
//! A file moves by one update of its newest version. A directory moves name by name, since no server can do more at once with
//! many documents but by a transaction, which a single one does not have: who looks meanwhile sees some here and some there,
//! and after an interruption so does everybody.

use super::names::{Range, check_new, filename};
use super::{Bucket, Found, Kept, Version};
use crate::failure::Failure;
use crate::upload::Upload;
use bson::oid::ObjectId;
use bson::{DateTime, Document, RawDocument, doc};
use std::rc::Rc;
use strongroom_guest::{ErrorCode, Result};

/// How many names move at once.
const NAMES_AT_ONCE: u32 = 1000;
/// Versions of one name that are looked at.
const VERSIONS_MAX: u32 = 1000;

impl Bucket {
    /// `session.rename`.
    pub async fn rename(self: &Rc<Self>, source: &str, destination: &str, replace: bool) -> Result<()> {
        check_new(destination)?;
        let found = self.look(source).await?;
        let upload = self.upload_of(source);
        if found == Found::Nothing && upload.is_none() {
            return Err(ErrorCode::NoSuchFile.into());
        }
        if source == destination {
            return if replace { Ok(()) } else { Err(ErrorCode::AlreadyExists.into()) };
        }
        if source == "/" || destination == "/" {
            return Err(ErrorCode::Busy.into());
        }
        self.check_parent(destination).await?;
        if matches!(found, Found::Directory(_))
            && destination.strip_prefix(source).is_some_and(|rest| rest.starts_with('/'))
        {
            return Err(ErrorCode::InvalidArgument.into());
        }
        if !replace && self.upload_of(destination).is_some() {
            return Err(ErrorCode::AlreadyExists.into());
        }
        self.keep_parent(source).await?;
        match found {
            Found::File(_) if replace => self.replace_file(source, destination).await,
            Found::File(_) => {
                let who = ObjectId::new();
                self.claim(destination, who).await?;
                let moved = self.move_file(source, destination, None).await;
                self.release_claim(destination, who).await?;
                moved
            }
            Found::Directory(kept) => self.move_directory(source, destination, kept, replace).await,
            Found::Nothing => self.rename_upload(upload, destination, replace).await,
        }?;
        self.move_open(source, destination);
        Ok(())
    }

    /// What it replaces is there until it is published.
    async fn rename_upload(&self, upload: Option<Rc<Upload>>, destination: &str, replace: bool) -> Result<()> {
        let upload = upload.ok_or(ErrorCode::NoSuchFile)?;
        if replace && self.is_directory(destination).await? {
            return Err(ErrorCode::IsADirectory.into());
        }
        upload.rename(destination, replace).await
    }

    async fn replace_file(self: &Rc<Self>, source: &str, destination: &str) -> Result<()> {
        if let Found::Directory(_) = self.look(destination).await? {
            return Err(ErrorCode::IsADirectory.into());
        }
        let replaced = self.versions(filename(destination), VERSIONS_MAX).await?;
        self.move_file(source, destination, replaced.first()).await?;
        Ok(self.destroy(&replaced).await?)
    }

    /// Moves all versions of a name, the newest one first: with that the file is moved. `no-such-file` if it is not there any
    /// more.
    async fn move_file(&self, source: &str, destination: &str, replaced: Option<&Version>) -> Result<()> {
        let versions = self.versions(filename(source), VERSIONS_MAX).await?;
        let (newest, older) = versions.split_first().ok_or(ErrorCode::NoSuchFile)?;
        let mut change = doc! { "filename": filename(destination) };
        if let Some(replaced) = replaced.filter(|replaced| replaced.uploaded >= newest.uploaded) {
            // The newest version is the one that is shown, so this one has to be.
            change.insert("uploadDate", after(replaced.uploaded));
            change.extend(self.keeping_time(newest).await?);
        }
        // Wherever another host moved it meanwhile, it stays; at the destination an update that was sent twice meets itself.
        let names = doc! { "$in": [filename(source), filename(destination)] };
        let filter = doc! { "_id": &newest.id, "filename": &names };
        if self.database.update(&self.files, filter, doc! { "$set": change }).await?.matched == 0 {
            return Err(ErrorCode::NoSuchFile.into());
        }
        if !older.is_empty() {
            let ids: Vec<_> = older.iter().map(|version| version.id.clone()).collect();
            let filter = doc! { "_id": { "$in": ids }, "filename": names };
            let change = doc! { "$set": { "filename": filename(destination) } };
            self.database.update(&self.files, filter, change).await?;
        }
        Ok(())
    }

    /// The fields that keep the time that a version shows, when the one that it was published at changes. None if it shows
    /// another anyway, or others keep something there that leaves no room.
    async fn keeping_time(&self, version: &Version) -> Result<Document, Failure> {
        if version.kept.modified.is_some() {
            return Ok(doc! {});
        }
        let kept = Kept { modified: Some(version.uploaded), ..Kept::default() };
        Ok(self.fields_of_version(&version.id, &kept).await?.unwrap_or_default())
    }

    async fn move_directory(&self, source: &str, destination: &str, kept: Kept, replace: bool) -> Result<()> {
        match self.look(destination).await? {
            // A file that this session is writing is one, before it is there for others.
            Found::Nothing if self.upload_of(destination).is_some() => {
                return Err(if replace { ErrorCode::NotADirectory } else { ErrorCode::AlreadyExists }.into());
            }
            Found::Nothing => {}
            _ if !replace => return Err(ErrorCode::AlreadyExists.into()),
            Found::File(_) => return Err(ErrorCode::NotADirectory.into()),
            Found::Directory(_) if !self.is_empty(destination).await? => return Err(ErrorCode::NotEmpty.into()),
            Found::Directory(_) => self.forget_directory(destination).await?,
        }
        self.keep_parent(destination).await?;
        // The document is what makes sure that nobody else makes anything of that name.
        if !self.insert_directory(destination, kept.to_document()).await? {
            return Err(ErrorCode::AlreadyExists.into());
        }
        self.move_files(source, destination).await?;
        self.move_directories(source, destination).await?;
        Ok(self.forget_directory(source).await?)
    }

    async fn move_files(&self, source: &str, destination: &str) -> Result<(), Failure> {
        let (old, new) = (filename(source), filename(destination));
        loop {
            let filter = doc! { "filename": Range::of_files(source).condition() };
            let order = doc! { "filename": 1 };
            let names = self.database.find(&self.files, filter, doc! { "filename": 1 }, order, NAMES_AT_ONCE).await?;
            let mut updates = vec![];
            for document in names.documents()? {
                let id = bson::Bson::try_from(document.get("_id")?.ok_or_else(unnamed)?)?;
                let moved = format!("{new}{}", document.get_str("filename")?.strip_prefix(old).ok_or_else(unnamed)?);
                updates.extend(doc! { "q": { "_id": id }, "u": { "$set": { "filename": moved } } }.to_vec()?);
            }
            if updates.is_empty() {
                return Ok(());
            }
            self.database.update_many(&self.files, updates).await?;
        }
    }

    /// Directories above come before those beneath them, so that no document is ever without those above it.
    async fn move_directories(&self, source: &str, destination: &str) -> Result<(), Failure> {
        loop {
            let filter = doc! { "_id": Range::of_paths(source).condition(), "kind": "directory" };
            let order = doc! { "_id": 1 };
            let paths = self.database.find(&self.names, filter, doc! {}, order, NAMES_AT_ONCE).await?;
            let mut updates = vec![];
            let mut moved = vec![];
            for document in paths.documents()? {
                let path = document.get_str("_id")?;
                let rest = path.strip_prefix(source).ok_or_else(unnamed)?;
                updates.extend(made_again(&format!("{destination}{rest}"), document)?.to_vec()?);
                moved.push(path.to_owned());
            }
            if updates.is_empty() {
                return Ok(());
            }
            self.database.update_many(&self.names, updates).await?;
            self.made.borrow_mut().retain(|path| !moved.contains(path));
            self.database.delete(&self.names, doc! { "_id": { "$in": moved }, "kind": "directory" }).await?;
        }
    }
}

fn made_again(path: &str, document: &RawDocument) -> Result<Document, Failure> {
    let attributes = document.get_document("attributes").ok().map(Document::try_from).transpose()?.unwrap_or_default();
    let change = doc! { "$set": { "kind": "directory", "attributes": attributes } };
    Ok(doc! { "q": { "_id": path }, "u": change, "upsert": true })
}

/// Right after another time.
pub fn after(date: DateTime) -> DateTime {
    DateTime::from_millis(date.timestamp_millis().saturating_add(1))
}

fn unnamed() -> Failure {
    Failure::Protocol("a document that was not asked for".to_owned())
}
