//! What rows do time and again, of several calls each: files that are written or read as a whole, and whole listings.

use super::attempt::{Stop, Tried};
use super::probe::Probe;
use crate::storage::{DirectoryEntry, Ending, FileId, OpenFlags, StoragePath};

/// What one write has at most where a row does not care, and one read: what clients use.
const PIECE_BYTES: usize = 32 << 10;
const READ_BYTES: u32 = 64 << 10;

/// So many bytes of one file are read at most, in case there is no end to it.
const MAX_FILE_BYTES: usize = 1 << 20;

/// So many entries of one directory are read at most, likewise.
pub(super) const MAX_ENTRIES: usize = 10_000;

impl Probe<'_> {
    /// A file of these bytes in the row's directory, written as an upload and committed.
    pub async fn make_file(&self, name: &str, bytes: &[u8]) -> Tried<StoragePath> {
        let path = self.path(name);
        self.put(&path, bytes).await?;
        Ok(path)
    }

    /// An upload, committed.
    pub async fn put(&self, path: &StoragePath, bytes: &[u8]) -> Tried {
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let file = self.open(path, flags).await?.done()?;
        self.write_pieces(file, bytes).await?;
        self.close(file, Ending::Commit).await?.done()
    }

    /// All of `bytes` from the start of a file.
    pub async fn write_pieces(&self, file: FileId, bytes: &[u8]) -> Tried {
        let mut offset = 0;
        for piece in bytes.chunks(PIECE_BYTES) {
            self.write(file, offset, piece).await?.done()?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// What is in a file.
    pub async fn contents(&self, path: &StoragePath) -> Tried<Vec<u8>> {
        let file = self.open(path, OpenFlags::READ).await?.done()?;
        let bytes = self.read_all(file).await?;
        self.close(file, Ending::Commit).await?.done()?;
        Ok(bytes)
    }

    /// What is in an open file, read to its end.
    pub async fn read_all(&self, file: FileId) -> Tried<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let piece = self.read(file, bytes.len() as u64, READ_BYTES).await?.done()?;
            if piece.is_empty() {
                return Ok(bytes);
            }
            bytes.extend(piece);
            if bytes.len() > MAX_FILE_BYTES {
                return Err(Stop::fails("the end of the file", format!("{} bytes and no end", bytes.len())));
            }
        }
    }

    /// All entries of a directory, so many at a time.
    pub async fn list(&self, path: &StoragePath, max: u32) -> Tried<Vec<DirectoryEntry>> {
        let directory = self.open_directory(path).await?.done()?;
        let mut entries = Vec::new();
        loop {
            let batch = self.read_directory(directory, max).await?.done()?;
            if batch.is_empty() {
                break;
            }
            entries.extend(batch);
            if entries.len() > MAX_ENTRIES {
                return Err(Stop::fails("the end of the directory", format!("{} entries and no end", entries.len())));
            }
        }
        self.close_directory(directory).await?;
        Ok(entries)
    }
}
