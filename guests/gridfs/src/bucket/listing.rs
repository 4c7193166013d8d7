//! The entries of a directory, by the indexes: what is deeper than its children is jumped over, not read. Names come from the
//! last to the first, since then the newest version of each is met first.

use super::names::{self, NoPath, Range, filename};
use super::{Bucket, Kept, Version};
use crate::failure::Failure;
use bson::{Document, RawDocument, doc};
use std::collections::VecDeque;
use strongroom_guest::{Attributes, DirectoryEntry};

/// How many names are asked for after a jump, and at most.
const STEP_MIN: u32 = 8;
const STEP_MAX: u32 = 512;

/// The entries of one directory.
pub struct Listing {
    /// The length of what all names begin with.
    prefix: usize,
    files: FileNames,
    directories: PathNames,
    /// Directories that what is beneath them has told of, and whose own names are yet to come: a document of one says more of
    /// it, and a file of the same name is hidden by it. Each begins with the one before.
    held: Vec<String>,
}

impl Listing {
    /// The entries of the directory `path`.
    pub fn new(path: &str) -> Self {
        let prefix = match filename(path) {
            "" => 0,
            name => name.len() + 1,
        };
        Self {
            prefix,
            files: FileNames::new(Range::of_files(path), STEP_MIN),
            directories: PathNames::new(Range::of_paths(path), STEP_MIN),
            held: vec![],
        }
    }

    /// The next entry.
    pub async fn next(&mut self, bucket: &Bucket) -> Result<Option<DirectoryEntry>, Failure> {
        loop {
            let file = self.files.peek(bucket).await?.map(|(name, _)| name.clone());
            let directory = self.directories.peek(bucket).await?.map(|(name, _)| name.clone());
            let next = file.clone().max(directory.clone());
            // A name that was held for what may come before it is past that now.
            if let Some(held) = self.held.pop_if(|held| next.as_ref().is_none_or(|next| *next < *held)) {
                return Ok(Some(self.entry(&held, Kept::default().describe(Attributes::directory(), None))));
            }
            let Some(name) = next else { return Ok(None) };
            let rest = name.get(self.prefix..).unwrap_or_default();
            if let Some((child, _)) = rest.split_once('/') {
                let child = format!("{}{child}", name.get(..self.prefix).unwrap_or_default());
                let beneath = format!("{child}/");
                self.files.jump(&beneath);
                self.directories.jump(&beneath);
                self.held.push(child);
                continue;
            }
            let is_held = self.held.pop_if(|held| *held == name).is_some();
            let version = if file.as_ref() == Some(&name) { self.files.next(bucket).await? } else { None };
            let kept = if directory.as_ref() == Some(&name) { self.directories.next(bucket).await? } else { None };
            let attributes = match (kept, version) {
                (Some((_, kept)), _) => kept.describe(Attributes::directory(), None),
                (None, _) if is_held => Kept::default().describe(Attributes::directory(), None),
                (None, Some((_, version))) => version.attributes(),
                (None, None) => continue,
            };
            return Ok(Some(self.entry(&name, attributes)));
        }
    }

    fn entry(&self, name: &str, attributes: Attributes) -> DirectoryEntry {
        DirectoryEntry { name: name.get(self.prefix..).unwrap_or_default().to_owned(), attributes }
    }
}

/// File names that are paths, from the last to the first, each with its newest version.
pub struct FileNames(Names<Version>);

impl FileNames {
    /// Those of a range, at first `step` at once.
    pub fn new(range: Range, step: u32) -> Self {
        Self(Names::new(range, step))
    }

    async fn peek(&mut self, bucket: &Bucket) -> Result<Option<&(String, Version)>, Failure> {
        loop {
            let field = "filename";
            let order = doc! { "filename": -1, "uploadDate": -1 };
            let bound = match self.0.head(bucket, &bucket.files, field, order, Version::fields(), read_file).await? {
                None => return Ok(None),
                Some((name, _)) => match names::check(name) {
                    Ok(()) => break,
                    Err(NoPath::Itself) => name.clone(),
                    Err(NoPath::Prefix(length)) => name.get(..length).unwrap_or(name).to_owned(),
                },
            };
            self.0.jump(&bound);
        }
        Ok(self.0.found.front())
    }

    /// The next one.
    pub async fn next(&mut self, bucket: &Bucket) -> Result<Option<(String, Version)>, Failure> {
        self.peek(bucket).await?;
        let next = self.0.found.pop_front();
        if let Some((name, _)) = &next {
            // Older versions are of no interest.
            self.0.jump(name);
        }
        Ok(next)
    }

    fn jump(&mut self, bound: &str) {
        self.0.jump(bound);
    }
}

/// Paths of directories that have a document, without the '/' that they begin with, from the last to the first.
struct PathNames(Names<Kept>);

impl PathNames {
    fn new(range: Range, step: u32) -> Self {
        Self(Names::new(range, step))
    }

    async fn peek(&mut self, bucket: &Bucket) -> Result<Option<&(String, Kept)>, Failure> {
        let fields = doc! { "kind": 1, "attributes": 1 };
        self.0.head(bucket, &bucket.names, "_id", doc! { "_id": -1 }, fields, read_directory).await
    }

    async fn next(&mut self, bucket: &Bucket) -> Result<Option<(String, Kept)>, Failure> {
        self.peek(bucket).await?;
        Ok(self.0.found.pop_front())
    }

    fn jump(&mut self, bound: &str) {
        self.0.jump_to(bound, &format!("/{bound}"));
    }
}

/// A name with what it stands for, if it is one.
type Read<T> = fn(&RawDocument) -> Result<Option<(String, T)>, Failure>;

fn read_file(document: &RawDocument) -> Result<Option<(String, Version)>, Failure> {
    Ok(Version::read(document)?.map(|version| (version.name.clone(), version)))
}

fn read_directory(document: &RawDocument) -> Result<Option<(String, Kept)>, Failure> {
    let (Ok(path), Ok("directory")) = (document.get_str("_id"), document.get_str("kind")) else { return Ok(None) };
    let kept = document.get_document("attributes").map(Kept::read).unwrap_or_default();
    Ok(Some((filename(path).to_owned(), kept)))
}

/// What stands in a range of an index, read in pieces from its end.
struct Names<T> {
    range: Range,
    found: VecDeque<(String, T)>,
    step: u32,
    is_end: bool,
}

impl<T> Names<T> {
    fn new(range: Range, step: u32) -> Self {
        Self { range, found: VecDeque::new(), step, is_end: false }
    }

    async fn head(
        &mut self,
        bucket: &Bucket,
        collection: &str,
        field: &str,
        order: Document,
        fields: Document,
        read: Read<T>,
    ) -> Result<Option<&(String, T)>, Failure> {
        while self.found.is_empty() && !self.is_end {
            let filter = doc! { field: self.range.condition() };
            let batch = bucket.database.find(collection, filter, fields.clone(), order.clone(), self.step).await?;
            let documents = batch.documents()?;
            self.is_end = documents.len() < self.step as usize && (documents.is_empty() || !batch.is_cut());
            if let Some(last) = documents.last() {
                self.range.upper = Some(last.get_str(field)?.to_owned());
            }
            for document in documents {
                self.found.extend(read(document)?);
            }
            self.step = self.step.saturating_mul(4).min(STEP_MAX);
        }
        Ok(self.found.front())
    }

    /// Goes on below `bound`.
    fn jump(&mut self, bound: &str) {
        self.jump_to(bound, bound);
    }

    /// As [`Names::jump`]; `indexed` is the bound as the index has it.
    fn jump_to(&mut self, bound: &str, indexed: &str) {
        let before = self.found.len();
        while self.found.pop_front_if(|(name, _)| name.as_str() >= bound).is_some() {}
        if self.range.upper.as_deref().is_none_or(|upper| indexed < upper) {
            self.range.upper = Some(indexed.to_owned());
            if self.found.is_empty() && before > 0 {
                self.step = STEP_MIN;
            }
        }
    }
}
