//! How files end, and when what was written is there for others.

use crate::check::attempt::{Stop, Tried, same, same_bytes};
use crate::check::bench::{Bench, prepare};
use crate::check::made::Made;
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, Running, Test, row};
use crate::storage::{Client, Ending, ErrorCode, Features, OpenFlags, StoragePath};

const ATOMIC: Needs = Needs::Claimed(Features::ATOMIC_UPLOAD);

pub const ROWS: &[Row] = &[
    row!(
        "close-commit",
        "types.ending",
        "commit publishes: the file is there as it was written",
        Needs::Change,
        commit
    ),
    row!(
        "discard-keeps",
        "types.ending",
        "discard keeps what was written, without atomic-upload",
        Needs::Change,
        keeps
    ),
    row!("discard-forgets", "types.ending", "discard forgets what was written, with atomic-upload", ATOMIC, forgets),
    row!(
        "upload-unseen",
        "types.features (atomic-upload)",
        "what was written is published by close as a whole, and seen by nobody else before",
        ATOMIC,
        unseen
    ),
    Row {
        name: "close-by-drop",
        place: "storage.connected (notes)",
        promise: "where the storage says that dropping is closing, a file that is dropped and not closed is there as it \
                  was written",
        needs: Needs::Change,
        test: Test::Instances(|bench, row, made| Box::pin(close_by_drop(bench, row, made)) as Running<'_>),
    },
];

const NEW: OpenFlags = OpenFlags::WRITE.union(OpenFlags::CREATE);
const OVER: OpenFlags = OpenFlags::WRITE.union(OpenFlags::TRUNCATE);

async fn commit(probe: &Probe<'_>) -> Tried {
    let path = probe.path("committed");
    let file = probe.open(&path, NEW | OpenFlags::EXCLUSIVE).await?.done()?;
    probe.write(file, 0, b"published").await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    same_bytes("a committed file", b"published", &probe.contents(&path).await?)
}

async fn keeps(probe: &Probe<'_>) -> Tried {
    if probe.offer.features.contains(Features::ATOMIC_UPLOAD) {
        return Err(Stop::not_offered("it claims atomic-upload"));
    }
    let path = probe.path("discarded");
    let file = probe.open(&path, NEW).await?.done()?;
    probe.write(file, 0, b"kept all the same").await?.done()?;
    probe.close(file, Ending::Discard).await?.done()?;
    same_bytes("a discarded file", b"kept all the same", &probe.contents(&path).await?)
}

async fn forgets(probe: &Probe<'_>) -> Tried {
    let (new, old) = (probe.path("new"), probe.make_file("old", b"as before").await?);
    for (path, flags) in [(&new, NEW), (&old, OVER)] {
        let file = probe.open(path, flags).await?.done()?;
        probe.write(file, 0, b"to be forgotten").await?.done()?;
        probe.close(file, Ending::Discard).await?.done()?;
    }
    probe.stat(&new, false).await?.refused(&[ErrorCode::NoSuchFile])?;
    same_bytes("the file that was there", b"as before", &probe.contents(&old).await?)
}

async fn unseen(probe: &Probe<'_>) -> Tried {
    let (new, old) = (probe.path("new"), probe.make_file("old", b"as before").await?);
    let mut open = Vec::new();
    for (path, flags) in [(&new, NEW), (&old, OVER)] {
        let file = probe.open(path, flags).await?.done()?;
        probe.write(file, 0, b"in the making").await?.done()?;
        open.push(file);
    }
    // The session that writes it may see it.
    if let Ok(other) = probe.connect_again(&Client::default()).await? {
        other.stat(&new, false).await?.refused(&[ErrorCode::NoSuchFile])?;
        other.close_session().await?.answer().ok();
    }
    let names: Vec<String> = probe.own_names().await?.into_iter().collect();
    same("what is listed before the close", &vec!["old".to_owned()], &names)?;
    same_bytes("the file that was there", b"as before", &probe.contents(&old).await?)?;
    for file in open {
        probe.close(file, Ending::Commit).await?.done()?;
    }
    for path in [&new, &old] {
        same_bytes("what was published", b"in the making", &probe.contents(path).await?)?;
    }
    Ok(())
}

async fn close_by_drop(bench: &Bench<'_>, row: &Row, made: &Made) -> Tried {
    const WRITTEN: &[u8] = b"written, and dropped";
    if !bench.offer.closed_by_drop {
        return Err(Stop::not_offered("it does not say that dropping is closing"));
    }
    let (new, old) = ("new", "old");
    let first = async |probe: &Probe<'_>| {
        prepare(probe).await?;
        probe.make_file(old, b"as before").await?;
        for (name, flags) in [(new, NEW), (old, OVER)] {
            let file = probe.open(&probe.path(name), flags).await?.done()?;
            probe.write(file, 0, WRITTEN).await?.done()?;
            let is_native = probe.with_native(file, |_| ()).is_some();
            probe.close_by_drop(file)?;
            if is_native {
                stays_open_beside_a_drop(probe, &probe.path(name), WRITTEN).await?;
            }
        }
        Ok(())
    };
    let second = async |probe: &Probe<'_>| {
        for name in [new, old] {
            let found = probe.contents(&probe.path(name)).await?;
            same_bytes("a file that was dropped", WRITTEN, &found)?;
        }
        Ok(())
    };
    bench.session_around_drop(row.name, made, first, second).await
}

/// What the host closes of a native file is closed before anything is dropped, and only that.
async fn stays_open_beside_a_drop(probe: &Probe<'_>, path: &StoragePath, written: &[u8]) -> Tried {
    let one = probe.open(path, OpenFlags::READ).await?.done()?;
    let other = probe.open(path, OpenFlags::READ).await?.done()?;
    probe.close_by_drop(one)?;
    same_bytes("a file that is open once more", written, &probe.read_all(other).await?)?;
    probe.close(other, Ending::Commit).await?.done()
}
