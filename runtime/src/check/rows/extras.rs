//! What a storage may have beside the contract's operations: copying by itself, and files that the host can reach.

use crate::check::attempt::{Stop, Tried, holds, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::check::survey::pattern;
use crate::storage::{Ending, OpenFlags};

pub const ROWS: &[Row] = &[
    row!("copying", "copying.copy-range", "copies what it says, and all in the end", Needs::Change, copying),
    row!(
        "copying-range",
        "copying.copy-range",
        "no more than length, and to the end without one",
        Needs::Change,
        range
    ),
    row!("native", "storage.opened", "the native file and the guest's are one and the same", Needs::Change, native),
];

const NEW: OpenFlags = OpenFlags::WRITE.union(OpenFlags::CREATE);

async fn copying(probe: &Probe<'_>) -> Tried {
    must_copy(probe)?;
    let bytes = pattern(100_000);
    let source = probe.make_file("source", &bytes).await?;
    let target = probe.path("target");
    let (from, to) = (probe.open(&source, OpenFlags::READ).await?.done()?, probe.open(&target, NEW).await?.done()?);
    let mut done = 0;
    loop {
        let copied = probe.copy((from, done), None, (to, done)).await?.done()?;
        done += copied;
        if copied == 0 || done >= bytes.len() as u64 {
            break;
        }
    }
    holds(done == bytes.len() as u64, "100000 bytes in the end", || format!("{done}"))?;
    probe.close(to, Ending::Commit).await?.done()?;
    same_bytes("the copy", &bytes, &probe.contents(&target).await?)
}

async fn range(probe: &Probe<'_>) -> Tried {
    must_copy(probe)?;
    let bytes = pattern(1000);
    let source = probe.make_file("source", &bytes).await?;
    let target = probe.path("target");
    let (from, to) = (probe.open(&source, OpenFlags::READ).await?.done()?, probe.open(&target, NEW).await?.done()?);
    let copied = probe.copy((from, 100), Some(200), (to, 0)).await?.done()?;
    holds((1..=200).contains(&copied), "at most 200 bytes, and some", || format!("{copied}"))?;
    let past = probe.copy((from, 1000), Some(10), (to, copied)).await?.done()?;
    holds(past == 0, "0 at the end of the source", || format!("{past}"))?;
    probe.close(to, Ending::Commit).await?.done()?;
    let expected: Vec<u8> = bytes.into_iter().skip(100).take(usize::try_from(copied).unwrap_or(200)).collect();
    same_bytes("the copy of a range", &expected, &probe.contents(&target).await?)
}

fn must_copy(probe: &Probe<'_>) -> Tried {
    if probe.offer.copies { Ok(()) } else { Err(Stop::not_offered("it does not export copying")) }
}

async fn native(probe: &Probe<'_>) -> Tried {
    let path = probe.path("shared");
    let file = probe.open(&path, OpenFlags::READ | NEW).await?.done()?;
    let write = probe.with_native(file, |native| native.write_all(0, b"by the host"));
    let Some(written) = write else { return Err(Stop::not_offered("it shares no native files")) };
    written.map_err(|error| Stop::fails("a native file that can be written", crate::check::words::error(&error)))?;
    same_bytes("what the host wrote, read by the guest", b"by the host", &probe.read_all(file).await?)?;
    probe.write(file, 0, b"by the guest").await?.done()?;
    let mut bytes = Vec::new();
    let read = probe.with_native(file, |native| native.read_into(0, 100, &mut bytes));
    if let Some(Err(error)) = read {
        return Err(Stop::fails("a native file that can be read", crate::check::words::error(&error)));
    }
    same_bytes("what the guest wrote, read by the host", b"by the guest", &bytes)?;
    probe.close(file, Ending::Commit).await?.done()?;
    same_bytes("the file in the end", b"by the guest", &probe.contents(&path).await?)
}
