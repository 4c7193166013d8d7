//! A version of a file: what `BUCKET.files` says of it.

use super::destruction::key;
use super::{Bucket, Kept};
use crate::database::integer;
use crate::failure::Failure;
use bson::{Bson, DateTime, Document, RawDocument, doc};
use strongroom_guest::Attributes;

/// No document is larger, and so no chunk.
const CHUNK_BYTES_MAX: i64 = 16 << 20;

/// How many versions are looked at for the newest: more than one, because of those of one moment.
const NEWEST_OF: u32 = 8;

/// A version of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// What its chunks are found by; other programs may use any type.
    pub id: Bson,
    /// Its name.
    pub name: String,
    /// Its bytes; `None` if the document says nothing sensible.
    pub length: Option<u64>,
    /// The bytes of each of its chunks but the last; 0 if the document says nothing sensible.
    pub chunk_size: u32,
    /// When it was published.
    pub uploaded: DateTime,
    /// What is kept of it.
    pub kept: Kept,
}

impl Version {
    /// The fields that are read.
    pub fn fields() -> Document {
        doc! { "filename": 1, "length": 1, "chunkSize": 1, "uploadDate": 1, "metadata.strongroom": 1 }
    }

    /// Reads such a document; `None` if its name is none.
    pub fn read(document: &RawDocument) -> Result<Option<Self>, Failure> {
        let Ok(name) = document.get_str("filename") else { return Ok(None) };
        let id = document.get("_id")?.ok_or_else(|| Failure::Corrupt("a file without an id".to_owned()))?;
        let chunk_size = integer(document, "chunkSize").filter(|size| (1..=CHUNK_BYTES_MAX).contains(size));
        let metadata = document.get_document("metadata").ok();
        let ours = metadata.and_then(|metadata| metadata.get_document("strongroom").ok());
        Ok(Some(Self {
            id: id.try_into()?,
            name: name.to_owned(),
            length: integer(document, "length").and_then(|length| length.try_into().ok()),
            chunk_size: chunk_size.and_then(|size| size.try_into().ok()).unwrap_or_default(),
            uploaded: document.get_datetime("uploadDate").unwrap_or(DateTime::from_millis(0)),
            kept: ours.map(Kept::read).unwrap_or_default(),
        }))
    }

    /// What a client is told.
    pub fn attributes(&self) -> Attributes {
        let attributes = Attributes { size: self.length, ..Attributes::file(0) };
        self.kept.describe(attributes, Some(self.uploaded))
    }
}

impl Bucket {
    /// Fails unless the server can be reached and lets us look for files; whoever logs in as nobody is let in otherwise.
    pub async fn check(&self) -> Result<(), Failure> {
        self.versions("", 1).await.map(drop)
    }

    /// The versions of a name, the newest first, at most `limit`.
    pub async fn versions(&self, name: &str, limit: u32) -> Result<Vec<Version>, Failure> {
        // In the order of GridFS's own index, so that no server has to sort them.
        let (filter, order) = (doc! { "filename": name }, doc! { "uploadDate": -1 });
        let found = self.database.find(&self.files, filter, Version::fields(), order, limit.max(NEWEST_OF)).await?;
        let versions = found.documents()?.into_iter().map(Version::read);
        let mut versions: Vec<_> = versions.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        // Of two of one moment all agree which is the newer.
        versions.sort_by(|a, b| b.uploaded.cmp(&a.uploaded).then_with(|| key(&b.id).cmp(&key(&a.id))));
        versions.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(versions)
    }

    /// The version with that id, if it is still there.
    pub async fn version(&self, id: &Bson) -> Result<Option<Version>, Failure> {
        let found = self.database.find(&self.files, doc! { "_id": id }, Version::fields(), doc! {}, 1).await?;
        Ok(found.first()?.map(Version::read).transpose()?.flatten())
    }

    /// All that other programs keep of a version.
    pub async fn metadata(&self, id: &Bson) -> Result<Option<Bson>, Failure> {
        let found = self.database.find(&self.files, doc! { "_id": id }, doc! { "metadata": 1 }, doc! {}, 1).await?;
        match found.first()? {
            Some(document) => Ok(document.get("metadata")?.map(Bson::try_from).transpose()?),
            None => Ok(None),
        }
    }
}
