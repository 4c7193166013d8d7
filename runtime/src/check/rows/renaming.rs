//! Renaming, with and without replacing.

use crate::check::attempt::{Tried, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::storage::{ErrorCode, Features};

pub const ROWS: &[Row] = &[
    row!("rename", "session.rename", "a file is where it was moved to, and no more where it was", Needs::Change, file),
    row!("rename-directory", "session.rename", "a directory goes with what is in it", Needs::Change, directory),
    row!("rename-missing", "session.rename", "no-such-file where nothing is", Needs::Change, missing),
    row!(
        "rename-exists",
        "session.rename",
        "without replace, already-exists for anything that is there",
        Needs::Change,
        exists
    ),
    row!(
        "rename-replace",
        "types.features (atomic-replace)",
        "rename can replace",
        Needs::Claimed(Features::ATOMIC_REPLACE),
        replace
    ),
];

/// A storage that has no such step says so.
const NO_STEP: [ErrorCode; 1] = [ErrorCode::Unsupported];

async fn file(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let directory = probe.path("directory");
    probe.make_directory(&directory).await?.done()?;
    let moved = probe.path("directory/moved");
    probe.rename(&sample.path, &moved, false).await?.done_if_offered(&NO_STEP)?;
    probe.stat(&sample.path, false).await?.refused(&[ErrorCode::NoSuchFile])?;
    same_bytes("the file that was moved", &sample.bytes, &probe.contents(&moved).await?)
}

async fn directory(probe: &Probe<'_>) -> Tried {
    for name in ["before", "before/inner"] {
        probe.make_directory(&probe.path(name)).await?.done()?;
    }
    probe.make_file("before/inner/file", b"moved along").await?;
    let (before, after) = (probe.path("before"), probe.path("after"));
    probe.rename(&before, &after, false).await?.done_if_offered(&NO_STEP)?;
    probe.stat(&before, false).await?.refused(&[ErrorCode::NoSuchFile])?;
    same_bytes("a file in it", b"moved along", &probe.contents(&probe.path("after/inner/file")).await?)
}

async fn missing(probe: &Probe<'_>) -> Tried {
    probe.rename(&probe.missing(), &probe.path("destination"), false).await?.refused(&[ErrorCode::NoSuchFile])
}

async fn exists(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let expected = [ErrorCode::AlreadyExists, ErrorCode::Unsupported];
    let taken = probe.make_file("taken", b"kept").await?;
    probe.rename(&sample.path, &taken, false).await?.refused(&expected)?;
    same_bytes("the file that was in the way", b"kept", &probe.contents(&taken).await?)?;
    let directory = probe.path("directory");
    probe.make_directory(&directory).await?.done()?;
    probe.rename(&sample.path, &directory, false).await?.refused(&expected)?;
    if probe.offer.features.contains(Features::SYMLINKS) {
        let link = probe.path("dangling");
        probe.symlink("nowhere", &link).await?.done()?;
        probe.rename(&sample.path, &link, false).await?.refused(&expected)?;
    }
    same_bytes("the file that was to be moved", &sample.bytes, &probe.contents(&sample.path).await?)
}

async fn replace(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let target = probe.make_file("replaced", b"gone").await?;
    probe.rename(&sample.path, &target, true).await?.done()?;
    probe.stat(&sample.path, false).await?.refused(&[ErrorCode::NoSuchFile])?;
    same_bytes("the file that replaced", &sample.bytes, &probe.contents(&target).await?)?;
    // Replacing does not need anything to be there.
    let free = probe.path("free");
    probe.rename(&target, &free, true).await?.done()?;
    same_bytes("the file that was moved", &sample.bytes, &probe.contents(&free).await?)
}
