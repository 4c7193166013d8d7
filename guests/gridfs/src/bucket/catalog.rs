//! What is at a path.

use super::listing::FileNames;
use super::names::{Range, filename};
use super::{Bucket, Kept, Version};
use crate::failure::Failure;
use bson::doc;
use futures_util::future::{try_join, try_join3};
use strongroom_guest::{Attributes, ErrorCode, FileKind, Result, path};

/// What is at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The newest version of a file.
    File(Version),
    /// A directory, with what is kept of it.
    Directory(Kept),
    /// Nothing.
    Nothing,
}

impl Found {
    /// What a client is told.
    pub fn attributes(&self) -> Result<Attributes> {
        match self {
            Self::File(version) => Ok(version.attributes()),
            Self::Directory(kept) => Ok(kept.describe(Attributes::directory(), None)),
            Self::Nothing => Err(ErrorCode::NoSuchFile.into()),
        }
    }

    /// The file that is there.
    pub fn into_file(self) -> Result<Version> {
        match self {
            Self::File(version) => Ok(version),
            Self::Directory(_) => Err(ErrorCode::IsADirectory.into()),
            Self::Nothing => Err(ErrorCode::NoSuchFile.into()),
        }
    }
}

impl Bucket {
    /// What is at `path`. Where others have stored a file and files beneath its name, it is the directory: what is beneath
    /// could not be reached otherwise.
    pub async fn look(&self, path: &str) -> Result<Found, Failure> {
        let name = filename(path);
        if name.is_empty() {
            return Ok(Found::Directory(self.directory_document(path).await?.unwrap_or_default()));
        }
        let (versions, document, is_above) =
            try_join3(self.versions(name, 1), self.directory_document(path), self.has_files_beneath(path)).await?;
        Ok(match (document, versions.into_iter().next()) {
            (Some(kept), _) => Found::Directory(kept),
            (None, _) if is_above => Found::Directory(Kept::default()),
            (None, Some(version)) => Found::File(version),
            (None, None) => Found::Nothing,
        })
    }

    /// Whether `path` is a directory.
    pub async fn is_directory(&self, path: &str) -> Result<bool, Failure> {
        if path == "/" {
            return Ok(true);
        }
        let (document, is_above) = try_join(self.directory_document(path), self.has_files_beneath(path)).await?;
        Ok(document.is_some() || is_above)
    }

    /// Fails unless something can be made at `path`: the directory that it would be in is there.
    pub async fn check_parent(&self, path: &str) -> Result<()> {
        let Some((parent, _)) = path::split(path) else { return Ok(()) };
        if self.is_directory(parent).await? {
            return Ok(());
        }
        Err(match self.look(parent).await?.attributes()?.kind {
            FileKind::Directory => return Ok(()),
            _ => ErrorCode::NotADirectory.into(),
        })
    }

    /// Whether there is any file beneath `path`.
    pub async fn has_files_beneath(&self, path: &str) -> Result<bool, Failure> {
        Ok(FileNames::new(Range::of_files(path), 1).next(self).await?.is_some())
    }

    async fn directory_document(&self, path: &str) -> Result<Option<Kept>, Failure> {
        let filter = doc! { "_id": path, "kind": "directory" };
        let found = self.database.find(&self.names, filter, doc! { "attributes": 1 }, doc! {}, 1).await?;
        let kept = |document: &bson::RawDocument| document.get_document("attributes").map(Kept::read);
        Ok(found.first()?.map(|document| kept(document).unwrap_or_default()))
    }
}
