//! What can be found out about a storage before the first row: what it claims, whether it can be changed, whether it
//! keeps anything beyond a session, and what it shows if it cannot be changed.

use super::attempt::{Stop, Tried};
use super::probe::Probe;
use crate::storage::{ErrorCode, Features, FileKind, StoragePath};
use std::collections::VecDeque;

/// How much of a storage that only shows things is looked at, in search of something to try rows on.
const MAX_DIRECTORIES: usize = 64;
const MAX_ENTRIES: u32 = 256;

/// A file that is larger is not read as a whole.
const MAX_SAMPLE_BYTES: u64 = 1 << 20;

/// What codes say that nothing here can be changed.
pub(super) const REFUSALS: [ErrorCode; 3] = [ErrorCode::ReadOnly, ErrorCode::Unsupported, ErrorCode::PermissionDenied];

#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub features: Features,
    /// Where rows work, or what is certainly missing in a storage that cannot be changed.
    pub scratch: StoragePath,
    pub can_change: bool,
    /// Whether it holds files and makes no directories. Then rows work in the directory that would hold `scratch`, with
    /// names that begin as `scratch` does.
    pub is_flat: bool,
    /// Whether what was made is there in another instance.
    pub outlives: bool,
    /// Whether the storage says that dropping a file is closing it.
    pub closed_by_drop: bool,
    /// Whether the storage copies by itself.
    pub copies: bool,
    pub shown: Shown,
}

impl Offer {
    /// The directory that a row works in, or what its names begin with where there are no directories.
    pub fn place_of(&self, row: &str) -> StoragePath {
        let scratch = &self.scratch;
        let path = match (row, self.is_flat) {
            ("", _) => scratch.to_string(),
            (row, true) => format!("{scratch}-{row}"),
            (row, false) => format!("{scratch}/{row}"),
        };
        StoragePath::resolve(scratch, &path).unwrap_or_else(|| scratch.clone())
    }
}

/// What a storage shows without our doing.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub file: Option<StoragePath>,
    pub directory: Option<StoragePath>,
    pub link: Option<StoragePath>,
}

impl Shown {
    fn is_complete(&self, wants_link: bool) -> bool {
        self.file.is_some() && self.directory.is_some() && (self.link.is_some() || !wants_link)
    }
}

/// Looks from the root on for a file, a directory that is not the root, and a symbolic link. Answers that fail are left
/// to the rows.
pub(super) async fn look_around(probe: &Probe<'_>, features: Features) -> Tried<Shown> {
    let mut shown = Shown::default();
    let mut pending = VecDeque::from([StoragePath::root()]);
    let mut seen = 0;
    while let Some(directory) = pending.pop_front() {
        seen += 1;
        if seen > MAX_DIRECTORIES || shown.is_complete(features.contains(Features::SYMLINKS)) {
            break;
        }
        let Ok(open) = probe.open_directory(&directory).await?.answer() else { continue };
        let entries = probe.read_directory(open, MAX_ENTRIES).await?.answer().unwrap_or_default();
        probe.close_directory(open).await?;
        for entry in entries {
            let Some(path) = StoragePath::resolve(&directory, entry.name.as_str()) else { continue };
            match entry.attributes.kind {
                FileKind::Regular if is_sample(entry.attributes.size) => drop(shown.file.get_or_insert(path)),
                FileKind::Symlink => drop(shown.link.get_or_insert(path)),
                FileKind::Directory => {
                    shown.directory.get_or_insert_with(|| path.clone());
                    pending.push_back(path);
                }
                _ => {}
            }
        }
    }
    Ok(shown)
}

fn is_sample(size: Option<u64>) -> bool {
    size.is_none_or(|size| (1..=MAX_SAMPLE_BYTES).contains(&size))
}

/// Something that rows can look at.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub path: StoragePath,
    pub bytes: Vec<u8>,
}

impl Probe<'_> {
    /// A file with its bytes: one of our own, or one that the storage shows.
    pub async fn sample(&self) -> Tried<Sample> {
        if self.offer.can_change {
            let bytes = pattern(10_000);
            return Ok(Sample { path: self.make_file("sample", &bytes).await?, bytes });
        }
        let path = self.offer.shown.file.clone().ok_or_else(|| Stop::not_offered("it shows no file"))?;
        Ok(Sample { bytes: self.contents(&path).await?, path })
    }

    /// A directory: the row's own, or one that the storage shows.
    pub fn some_directory(&self) -> StoragePath {
        if self.offer.can_change {
            return self.place();
        }
        self.offer.shown.directory.clone().unwrap_or_else(StoragePath::root)
    }

    /// A path at which nothing is.
    pub fn missing(&self) -> StoragePath {
        if self.offer.can_change { self.path("missing") } else { self.offer.scratch.clone() }
    }
}

/// Bytes of which no two neighbours are the same and no page is like another.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from((place * 7 + place / 251) % 251).unwrap_or_default()).collect()
}
