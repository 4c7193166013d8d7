//! Bytes of an open file through WASI, whose `read` may stop at 64 KiB and whose `write` may stop short.

use alloc::vec;
use alloc::vec::Vec;
use strongroom_guest::filesystem::types::{Descriptor, ErrorCode as System};
use strongroom_guest::{Error, ErrorCode, Result};

/// The most bytes that one call reads: an answer stays of bounded size whatever is asked for.
const READ_MAX: u64 = 1 << 20;
/// What a single read of WASI gives at most where wasmtime does it itself. One that gave something else than that or all
/// has met the end, as a rule: to ask again would cost a small file as much as its bytes, and a client that is given less
/// than there is asks for the rest.
const READ_WHOLE: usize = 64 << 10;
/// The largest offset, of Linux and so of WASI.
pub(crate) const OFFSET_MAX: u64 = i64::MAX as u64;

/// Up to `length` bytes; none only at the end, and fewer there, past 1 MiB, or where the kernel stopped early.
pub(crate) fn read(file: &Descriptor, offset: u64, length: u64) -> Result<Vec<u8>, System> {
    let length = length.min(READ_MAX);
    if length == 0 || offset > OFFSET_MAX {
        return Ok(vec![]);
    }
    let (mut data, mut is_end) = file.read(length, offset)?;
    let mut last = data.len();
    while !is_end && last == READ_WHOLE && (data.len() as u64) < length {
        let done = data.len() as u64;
        let (more, end) = file.read(length - done, offset + done)?;
        (last, is_end) = (more.len(), end);
        data.extend(more);
    }
    Ok(data)
}

/// All of `data`. The offset is ignored by a descriptor that appends.
pub(crate) fn write(file: &Descriptor, offset: u64, data: &[u8]) -> Result<()> {
    let end = offset.checked_add(data.len() as u64).ok_or(ErrorCode::FileTooLarge)?;
    if end > OFFSET_MAX {
        return Err(ErrorCode::FileTooLarge.into());
    }
    let (mut rest, mut offset) = (data, offset);
    while !rest.is_empty() {
        let written = file.write(rest, offset)?;
        rest = match usize::try_from(written).ok().and_then(|written| rest.get(written..)) {
            Some(rest) if written > 0 => rest,
            _ => return Err(Error::failure("a write wrote nothing")),
        };
        offset += written;
    }
    Ok(())
}
