//! An open file of the host that a guest handed over: the host moves its bytes without entering the guest.

use super::posix::errors::error_from_errno;
use super::unchecked;
use crate::storage::{self, OpenFlags};
use rustix::io::{Errno, ReadWriteFlags};
use std::fs::File;
use std::io::IoSlice;
use std::sync::Arc;

/// One copy moves no more, so that other requests get their turn.
const MAX_COPY_BYTES: usize = 64 << 20;

/// The same where bytes go through memory.
const MEMORY_COPY_BYTES: usize = 1 << 20;

/// A regular file with rights that were fixed when it was shared. Acts on the open file, never on a path.
pub struct NativeFile {
    pub(super) file: Arc<File>,
    pub(super) readable: bool,
    pub(super) writable: bool,
    pub(super) append: bool,
    /// The guest's descriptor that it was shared from, by its number in the resource table; another's once that is gone.
    pub(super) descriptor: u32,
}

impl NativeFile {
    /// The same file with no more rights than `flags`; appends if they say so.
    pub(super) fn within(self, flags: OpenFlags) -> Self {
        Self {
            readable: self.readable && flags.contains(OpenFlags::READ),
            writable: self.writable && flags.contains(OpenFlags::WRITE),
            append: flags.contains(OpenFlags::APPEND),
            ..self
        }
    }

    /// close(2), which may tell that writing failed; nothing while the file is shared with somebody else.
    pub(super) fn close(self) -> Result<(), storage::Error> {
        match Arc::into_inner(self.file).map(nix::unistd::close) {
            // The descriptor is gone even so.
            None | Some(Ok(()) | Err(nix::Error::EINTR)) => Ok(()),
            Some(Err(error)) => Err(error_from_errno(Errno::from_raw_os_error(error as i32))),
        }
    }

    /// Appends at most `length` bytes from `offset` to `buffer`; nothing only at or past the end (pread(2)).
    pub fn read_into(&self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> Result<(), storage::Error> {
        if !self.readable {
            return Err(storage::ErrorCode::Failure.into());
        }
        if offset > i64::MAX.cast_unsigned() {
            return Ok(());
        }
        buffer.reserve(length);
        loop {
            match unchecked::pread(&self.file, buffer, length, offset) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(error_from_errno(errno)),
            }
        }
    }

    /// All of `data` or a failure.
    pub fn write_all(&self, mut offset: u64, mut data: &[u8]) -> Result<(), storage::Error> {
        if !self.writable {
            return Err(storage::ErrorCode::Failure.into());
        }
        while !data.is_empty() {
            match self.write(offset, data) {
                Ok(0) => return Err(storage::ErrorCode::NoSpace.into()),
                Ok(written) => {
                    data = data.get(written..).unwrap_or_default();
                    offset = offset.saturating_add(written as u64);
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(error_from_errno(errno)),
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<usize, Errno> {
        if self.append {
            rustix::io::pwritev2(&*self.file, &[IoSlice::new(data)], offset, ReadWriteFlags::APPEND)
        } else {
            rustix::io::pwrite(&*self.file, data, offset)
        }
    }

    /// fsync(2).
    pub fn sync(&self) -> Result<(), storage::Error> {
        rustix::fs::fsync(&*self.file).map_err(error_from_errno)
    }

    /// Copies at most `length` bytes, all to the end without one, and gives how many: less when the kernel stopped
    /// early, 0 only at the end of this file. In the kernel where it can (copy_file_range(2), which may share blocks).
    pub fn copy_to(
        &self,
        offset: u64,
        length: Option<u64>,
        destination: &NativeFile,
        destination_offset: u64,
    ) -> Result<u64, storage::Error> {
        if !self.readable || !destination.writable {
            return Err(storage::ErrorCode::Failure.into());
        }
        if is_overlap((self, offset), (destination, destination_offset), length)? {
            return Err(storage::ErrorCode::Failure.into());
        }
        let length = usize::try_from(length.unwrap_or(u64::MAX)).unwrap_or(usize::MAX).min(MAX_COPY_BYTES);
        let (mut from, mut to) = (offset, destination_offset);
        match rustix::fs::copy_file_range(&*self.file, Some(&mut from), &*destination.file, Some(&mut to), length) {
            Ok(copied) => Ok(copied as u64),
            // Another file system, a kernel without it, or (EBADF) a destination that appends.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::BADF) => {
                self.copy_through_memory(offset, length, destination, destination_offset)
            }
            Err(errno) => Err(error_from_errno(errno)),
        }
    }

    fn copy_through_memory(
        &self,
        offset: u64,
        length: usize,
        destination: &NativeFile,
        destination_offset: u64,
    ) -> Result<u64, storage::Error> {
        let mut buffer = Vec::new();
        self.read_into(offset, length.min(MEMORY_COPY_BYTES), &mut buffer)?;
        destination.write_all(destination_offset, &buffer)?;
        Ok(buffer.len() as u64)
    }
}

/// Whether a copy would read what it has written: two handles may stand for one file under two names, which only the
/// files themselves tell.
fn is_overlap(
    (source, source_offset): (&NativeFile, u64),
    (destination, destination_offset): (&NativeFile, u64),
    length: Option<u64>,
) -> Result<bool, storage::Error> {
    let from = rustix::fs::fstat(&*source.file).map_err(error_from_errno)?;
    let to = rustix::fs::fstat(&*destination.file).map_err(error_from_errno)?;
    if (from.st_dev, from.st_ino) != (to.st_dev, to.st_ino) {
        return Ok(false);
    }
    let Some(length) = length else { return Ok(true) };
    let destination_offset = if destination.append { to.st_size.cast_unsigned() } else { destination_offset };
    Ok(source_offset < destination_offset.saturating_add(length)
        && destination_offset < source_offset.saturating_add(length))
}
