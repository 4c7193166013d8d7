//! Reading files.

use crate::check::attempt::{Tried, holds, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::check::survey::Sample;
use crate::storage::{FileId, OpenFlags};

pub const ROWS: &[Row] = &[
    row!("read-at-offset", "file.read", "the bytes are those at the offset", Needs::Nothing, at_offset),
    row!("read-before-end", "file.read", "not empty before the end", Needs::Nothing, before_end),
    row!("read-at-end", "file.read", "empty at and past the end", Needs::Nothing, at_end),
    row!("read-nothing", "file.read", "empty for a length of 0", Needs::Nothing, nothing),
    row!("read-no-more", "file.read", "never more bytes than asked for", Needs::Nothing, no_more),
];

async fn opened(probe: &Probe<'_>) -> Tried<(Sample, FileId)> {
    let sample = probe.sample().await?;
    let file = probe.open(&sample.path, OpenFlags::READ).await?.done()?;
    Ok((sample, file))
}

async fn at_offset(probe: &Probe<'_>) -> Tried {
    let (sample, file) = opened(probe).await?;
    let length = sample.bytes.len();
    // Odd ones, which no block of a storage begins at, and back again.
    for offset in [(length / 2) | 1, length.saturating_sub(1), 1] {
        let read = probe.read(file, offset as u64, 100).await?.done()?;
        let there = sample.bytes.get(offset..).unwrap_or_default();
        let expected = there.get(..read.len()).unwrap_or(there);
        same_bytes(&format!("a read at {offset}"), expected, &read)?;
    }
    Ok(())
}

async fn before_end(probe: &Probe<'_>) -> Tried {
    let (sample, file) = opened(probe).await?;
    for offset in [0, sample.bytes.len().saturating_sub(1)] {
        let read = probe.read(file, offset as u64, 1).await?.done()?;
        holds(read.len() == 1, "a byte", || format!("file.read of 1 byte at {offset}: {} bytes", read.len()))?;
    }
    Ok(())
}

async fn at_end(probe: &Probe<'_>) -> Tried {
    let (sample, file) = opened(probe).await?;
    let length = sample.bytes.len() as u64;
    for offset in [length, length + 1, length + 4096, 1 << 40] {
        let read = probe.read(file, offset, 4096).await?.done()?;
        holds(read.is_empty(), "nothing", || format!("file.read at {offset} of {length}: {} bytes", read.len()))?;
    }
    Ok(())
}

async fn nothing(probe: &Probe<'_>) -> Tried {
    let (_, file) = opened(probe).await?;
    let read = probe.read(file, 0, 0).await?.done()?;
    holds(read.is_empty(), "nothing", || format!("file.read of 0 bytes: {} bytes", read.len()))
}

/// The host itself refuses more than was asked for, as a fault.
async fn no_more(probe: &Probe<'_>) -> Tried {
    let (_, file) = opened(probe).await?;
    for length in [2, 3, 5] {
        probe.read(file, 0, length).await?.done()?;
    }
    Ok(())
}
