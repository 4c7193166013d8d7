//! Writing files, in order and out of it.

use crate::check::attempt::{Tried, same, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::check::survey::pattern;
use crate::storage::{AttributeChanges, Ending, Features, FileId, OpenFlags, StoragePath};

const RANDOM: Needs = Needs::Claimed(Features::RANDOM_WRITE);

pub const ROWS: &[Row] = &[
    row!("write-in-order", "file.write", "an upload in many pieces is kept whole", Needs::Change, in_order),
    row!("write-whole", "file.write", "all of the data, however long, or a failure", Needs::Change, whole),
    row!("file-stat", "file.stat", "counts what was written so far, published or not", Needs::Change, file_stat),
    row!("write-middle", "types.features (random-write)", "a file may be changed in the middle", RANDOM, middle),
    row!("write-out-of-order", "types.features (random-write)", "and written out of order", RANDOM, out_of_order),
    row!(
        "write-past-end",
        "types.features (random-write)",
        "and written past its end, which leaves zeros between",
        RANDOM,
        past_end
    ),
    row!("set-size", "session.set-stat", "a file may be cut, and grows by zeros", RANDOM, set_size),
    row!("file-set-size", "file.set-stat", "so may an open one", RANDOM, file_set_size),
];

async fn in_order(probe: &Probe<'_>) -> Tried {
    let bytes = pattern(120_000);
    let path = probe.path("upload");
    let file = create(probe, &path).await?;
    for (number, piece) in bytes.chunks(10_000).enumerate() {
        probe.write(file, number as u64 * 10_000, piece).await?.done()?;
    }
    probe.close(file, Ending::Commit).await?.done()?;
    same_bytes("an upload in twelve pieces", &bytes, &probe.contents(&path).await?)
}

async fn whole(probe: &Probe<'_>) -> Tried {
    let bytes = pattern(200_000);
    let path = probe.path("whole");
    let file = create(probe, &path).await?;
    probe.write(file, 0, &bytes).await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    same_bytes("one write", &bytes, &probe.contents(&path).await?)
}

async fn file_stat(probe: &Probe<'_>) -> Tried {
    let file = create(probe, &probe.path("grows")).await?;
    for (written, size) in [(0, 1000), (1000, 1500)] {
        probe.write(file, written as u64, &pattern(size - written)).await?.done()?;
        let found = probe.file_stat(file).await?.done()?.size;
        same("the size while the file is open", &Some(size as u64), &found)?;
    }
    Ok(())
}

async fn middle(probe: &Probe<'_>) -> Tried {
    let mut bytes = pattern(1000);
    let path = probe.make_file("patched", &bytes).await?;
    let file = probe.open(&path, OpenFlags::WRITE).await?.done()?;
    probe.write(file, 100, b"changed").await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    bytes.splice(100..107, b"changed".iter().copied());
    same_bytes("a file that was changed in the middle", &bytes, &probe.contents(&path).await?)
}

async fn out_of_order(probe: &Probe<'_>) -> Tried {
    let bytes = pattern(900);
    let path = probe.path("shuffled");
    let file = create(probe, &path).await?;
    for third in [2, 0, 1] {
        let piece: Vec<u8> = bytes.iter().skip(third * 300).take(300).copied().collect();
        probe.write(file, third as u64 * 300, &piece).await?.done()?;
    }
    probe.close(file, Ending::Commit).await?.done()?;
    same_bytes("a file that was written out of order", &bytes, &probe.contents(&path).await?)
}

async fn past_end(probe: &Probe<'_>) -> Tried {
    let path = probe.path("sparse");
    let file = create(probe, &path).await?;
    probe.write(file, 5000, b"end").await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    same_bytes("zeros, then the end", &[vec![0; 5000], b"end".to_vec()].concat(), &probe.contents(&path).await?)
}

async fn set_size(probe: &Probe<'_>) -> Tried {
    let path = probe.make_file("resized", &pattern(1000)).await?;
    probe.set_stat(&path, size(100)).await?.done()?;
    same_bytes("a file that was cut", &pattern(100), &probe.contents(&path).await?)?;
    probe.set_stat(&path, size(300)).await?.done()?;
    let grown = [pattern(100), vec![0; 200]].concat();
    same_bytes("a file that was made longer", &grown, &probe.contents(&path).await?)
}

async fn file_set_size(probe: &Probe<'_>) -> Tried {
    let path = probe.make_file("resized", &pattern(1000)).await?;
    let file = probe.open(&path, OpenFlags::READ | OpenFlags::WRITE).await?.done()?;
    probe.file_set_stat(file, size(100)).await?.done()?;
    probe.file_set_stat(file, size(300)).await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    let grown = [pattern(100), vec![0; 200]].concat();
    same_bytes("an open file that was cut and made longer", &grown, &probe.contents(&path).await?)
}

async fn create(probe: &Probe<'_>, path: &StoragePath) -> Tried<FileId> {
    probe.open(path, OpenFlags::WRITE | OpenFlags::CREATE).await?.done()
}

fn size(size: u64) -> AttributeChanges {
    AttributeChanges { size: Some(size), ..AttributeChanges::default() }
}
