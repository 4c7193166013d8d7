//! The entries of an open directory on their way to the client, in batches that every client takes.

use super::attributes;
use super::longname::{self, Style};
use super::wire::{Writer, length_field};
use crate::storage::{Attributes, DirectoryEntry, FileKind, unescape};
use std::collections::VecDeque;
use tracing::warn;

/// As many names as OpenSSH puts into a reply.
const BATCH_ENTRIES: usize = 100;

/// A reply stays below the 128 KiB that sshfs takes.
pub const MAX_REPLY_BYTES: usize = 120 * 1024;

/// A longer name would not fit a reply, in which it stands twice.
pub const MAX_NAME_BYTES: usize = 32 * 1024;

#[derive(Debug)]
struct Entry {
    name: Vec<u8>,
    attributes: Attributes,
}

/// What has been read of a directory and not been sent.
#[derive(Debug, Default)]
pub struct Listing {
    unsent: VecDeque<Entry>,
    at_end: bool,
}

impl Listing {
    /// Puts '.' and '..' first, which a storage never lists. Attributes that could not be had are those of some
    /// directory.
    pub fn begin(&mut self, own: Option<Attributes>, parent: Option<Attributes>) {
        let directory = || Attributes { kind: FileKind::Directory, ..Attributes::default() };
        self.unsent.push_back(Entry { name: b".".to_vec(), attributes: own.unwrap_or_else(directory) });
        self.unsent.push_back(Entry { name: b"..".to_vec(), attributes: parent.unwrap_or_else(directory) });
    }

    /// How many entries the storage is to be asked for before the next reply; `None` if there are enough, or no more.
    pub fn wanted(&self) -> Option<u32> {
        let only_dots = self.unsent.len() <= 2;
        (only_dots && !self.at_end).then(|| length_field(BATCH_ENTRIES - self.unsent.len()))
    }

    /// The storage's next entries; none is the end.
    pub fn received(&mut self, entries: Vec<DirectoryEntry>) {
        self.at_end = entries.is_empty();
        for entry in entries {
            let name = unescape(entry.name.as_str()).into_owned();
            if name.len() > MAX_NAME_BYTES {
                warn!(target: "sftp", "left out an entry whose name has {} bytes", name.len());
                continue;
            }
            self.unsent.push_back(Entry { name, attributes: entry.attributes });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.unsent.is_empty()
    }

    pub fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// Appends the body of a NAME reply, as many entries as fit, and forgets them.
    pub fn write_batch(&mut self, out: &mut Vec<u8>, style: Style<'_>) {
        let start = out.len();
        out.put_u32(0);
        let mut count = 0;
        while count < BATCH_ENTRIES
            && let Some(entry) = self.unsent.front()
        {
            let before = out.len();
            write_entry(out, entry, style);
            if count > 0 && out.len() - start > MAX_REPLY_BYTES {
                out.truncate(before);
                break;
            }
            self.unsent.pop_front();
            count += 1;
        }
        if let Some(field) = out.get_mut(start..start + 4) {
            field.copy_from_slice(&length_field(count).to_be_bytes());
        }
    }
}

fn write_entry(out: &mut Vec<u8>, entry: &Entry, style: Style<'_>) {
    out.put_string(&entry.name);
    let length_at = out.len();
    out.put_u32(0);
    longname::write(out, &entry.name, &entry.attributes, style);
    let length = out.len() - length_at - 4;
    if let Some(field) = out.get_mut(length_at..length_at + 4) {
        field.copy_from_slice(&length_field(length).to_be_bytes());
    }
    attributes::write(out, &entry.attributes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Name;

    const STYLE: Style<'_> = Style { now_seconds: 0, utc_offset_seconds: 0, names: None };

    fn entry(name: String) -> DirectoryEntry {
        DirectoryEntry { name: Name::new(name).unwrap(), attributes: Attributes::default() }
    }

    fn batch(listing: &mut Listing) -> (u32, usize) {
        let mut out = Vec::new();
        listing.write_batch(&mut out, STYLE);
        (u32::from_be_bytes(*out.first_chunk().unwrap()), out.len())
    }

    #[test]
    fn row_11_a_batch_has_about_100_names() {
        let mut listing = Listing::default();
        listing.begin(None, None);
        assert_eq!(listing.wanted(), Some(98));
        listing.received((0..98).map(|n| entry(n.to_string())).collect());
        assert_eq!(listing.wanted(), None);
        assert_eq!(batch(&mut listing).0, 100);
        assert_eq!(listing.wanted(), Some(100));
    }

    #[test]
    fn row_11_a_reply_stays_under_128_kib() {
        let mut listing = Listing::default();
        listing.received((0..100).map(|n| entry(format!("{n:0>4000}"))).collect());
        let mut total = 0;
        while !listing.is_empty() {
            let (count, bytes) = batch(&mut listing);
            assert!(count > 0 && bytes < 128 * 1024);
            total += count;
        }
        assert_eq!(total, 100);
    }

    #[test]
    fn an_entry_of_the_greatest_size_fits() {
        let attributes = Attributes { extended: vec![("a@b".into(), vec![0; 32_000])], ..Attributes::default() };
        let name = Name::new("n".repeat(MAX_NAME_BYTES)).unwrap();
        let mut listing = Listing::default();
        listing.received(vec![DirectoryEntry { name, attributes }, entry("n".repeat(MAX_NAME_BYTES + 1))]);
        let (count, bytes) = batch(&mut listing);
        assert!(count == 1 && bytes < 128 * 1024, "{count} {bytes}");
        assert!(listing.is_empty());
    }

    #[test]
    fn the_end_is_the_end() {
        let mut listing = Listing::default();
        assert_eq!(listing.wanted(), Some(100));
        listing.received(Vec::new());
        assert!(listing.is_at_end());
        assert_eq!(listing.wanted(), None);
    }
}
