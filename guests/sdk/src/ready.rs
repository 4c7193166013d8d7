//! Open files and directories that are ready-made: bytes that do not change, and entries that are known.

use crate::{Attributes, Directory, DirectoryEntry, File, Result};
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

/// An open file of bytes that do not change.
///
/// ```
/// use strongroom_guest::testing::block_on;
/// use strongroom_guest::{Contents, File};
///
/// let file = Contents::new("hello, world\n");
/// assert_eq!(block_on(file.read(7, 100)).unwrap(), b"world\n");
/// assert_eq!(block_on(file.stat()).unwrap().size, Some(13));
/// ```
#[derive(Clone, Debug)]
pub struct Contents {
    bytes: Rc<[u8]>,
    attributes: Attributes,
}

impl Contents {
    /// A file of these bytes of which nothing else is known.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let bytes: Rc<[u8]> = bytes.as_ref().into();
        let attributes = Attributes::file(bytes.len() as u64);
        Self { bytes, attributes }
    }

    /// The same file with these attributes, of which the size should be that of the bytes.
    pub fn with_attributes(self, attributes: Attributes) -> Self {
        Self { attributes, ..self }
    }
}

impl File for Contents {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        Ok(slice(&self.bytes, offset, length).to_vec())
    }

    async fn stat(&self) -> Result<Attributes> {
        Ok(self.attributes.clone())
    }
}

/// The part of `bytes` that a `read` of `length` bytes from `offset` on gives.
///
/// ```
/// assert_eq!(strongroom_guest::slice(b"hello", 3, 100), b"lo");
/// assert_eq!(strongroom_guest::slice(b"hello", 100, 1), b"");
/// ```
pub fn slice(bytes: &[u8], offset: u64, length: u32) -> &[u8] {
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    rest.get(..length as usize).unwrap_or(rest)
}

/// An open directory of which all entries are known when it is opened.
///
/// ```
/// use strongroom_guest::testing::block_on;
/// use strongroom_guest::{Attributes, Directory, Listing};
///
/// let directory = Listing::new([("hello", Attributes::file(13)), ("photos", Attributes::directory())]);
/// assert_eq!(block_on(directory.read(1)).unwrap()[0].name, "hello");
/// ```
#[derive(Debug)]
pub struct Listing(RefCell<vec::IntoIter<DirectoryEntry>>);

impl Listing {
    /// A directory of these names.
    pub fn new<N: Into<alloc::string::String>>(entries: impl IntoIterator<Item = (N, Attributes)>) -> Self {
        let entries = entries.into_iter().map(|(name, attributes)| DirectoryEntry { name: name.into(), attributes });
        entries.collect()
    }
}

impl FromIterator<DirectoryEntry> for Listing {
    fn from_iter<I: IntoIterator<Item = DirectoryEntry>>(entries: I) -> Self {
        Self(RefCell::new(entries.into_iter().collect::<Vec<_>>().into_iter()))
    }
}

impl Directory for Listing {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>> {
        Ok(self.0.borrow_mut().by_ref().take(max as usize).collect())
    }
}
