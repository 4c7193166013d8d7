//! What paths lead to, and what they do not.

use crate::check::attempt::{Tried, holds, same};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::check::words;
use crate::storage::{AttributeChanges, ErrorCode, Features, FileKind, OpenFlags, StoragePath};

pub const ROWS: &[Row] = &[
    row!("stat-missing", "session.stat", "no-such-file where nothing is", Needs::Nothing, missing),
    row!("stat", "session.stat", "tells what is there and, of a file, how long it is", Needs::Nothing, stat),
    row!(
        "behind-a-file",
        "types.error-code",
        "not-a-directory or no-such-file where something on the way is not a directory",
        Needs::Nothing,
        behind_a_file
    ),
    row!(
        "behind-nothing",
        "types.error-code",
        "no-such-file where a directory on the way is missing, also for what is to be made",
        Needs::Nothing,
        behind_nothing
    ),
    row!(
        "set-stat-missing",
        "session.set-stat",
        "nothing to change still answers no-such-file for a missing path",
        Needs::Nothing,
        set_stat_missing
    ),
    row!("real-path", "session.real-path", "what is no link is found where it is", Needs::Nothing, real_path),
    row!(
        "real-path-missing",
        "session.real-path",
        "the last component may be missing",
        Needs::Nothing,
        real_path_missing
    ),
    row!(
        "real-path-behind-nothing",
        "session.real-path",
        "a component before the last may not be missing",
        Needs::Nothing,
        real_path_behind_nothing
    ),
    row!(
        "real-path-links",
        "session.real-path",
        "every symbolic link is resolved, on the way and at the end",
        Needs::Claimed(Features::SYMLINKS),
        real_path_links
    ),
];

const NOT_THERE: [ErrorCode; 2] = [ErrorCode::NotADirectory, ErrorCode::NoSuchFile];

async fn missing(probe: &Probe<'_>) -> Tried {
    for follow in [true, false] {
        probe.stat(&probe.missing(), follow).await?.refused(&[ErrorCode::NoSuchFile])?;
    }
    Ok(())
}

async fn stat(probe: &Probe<'_>) -> Tried {
    let directory = probe.stat(&probe.some_directory(), true).await?.done()?;
    same("the kind of a directory", &words::kind(FileKind::Directory), &words::kind(directory.kind))?;
    let sample = probe.sample().await?;
    let file = probe.stat(&sample.path, true).await?.done()?;
    same("the kind of a file", &words::kind(FileKind::Regular), &words::kind(file.kind))?;
    let length = sample.bytes.len() as u64;
    holds(file.size.is_none_or(|size| size == length), &format!("a size of {length}"), || format!("{:?}", file.size))
}

async fn behind_a_file(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let behind = within(&sample.path, "behind");
    probe.stat(&behind, true).await?.refused(&NOT_THERE)?;
    probe.open(&behind, OpenFlags::READ).await?.refused(&NOT_THERE)?;
    probe.open_directory(&behind).await?.refused(&NOT_THERE)?;
    if probe.offer.can_change {
        probe.open(&behind, OpenFlags::WRITE | OpenFlags::CREATE).await?.refused(&NOT_THERE)?;
        probe.make_directory(&behind).await?.refused(&NOT_THERE)?;
    }
    Ok(())
}

async fn behind_nothing(probe: &Probe<'_>) -> Tried {
    let behind = within(&probe.missing(), "behind");
    let missing = [ErrorCode::NoSuchFile];
    probe.stat(&behind, true).await?.refused(&missing)?;
    probe.open(&behind, OpenFlags::READ).await?.refused(&missing)?;
    if !probe.offer.can_change {
        return Ok(());
    }
    let sample = probe.sample().await?;
    probe.open(&behind, OpenFlags::WRITE | OpenFlags::CREATE).await?.refused(&missing)?;
    probe.make_directory(&behind).await?.refused(&missing)?;
    probe.rename(&sample.path, &behind, false).await?.refused(&missing)?;
    if probe.offer.features.contains(Features::SYMLINKS) {
        probe.symlink("anywhere", &behind).await?.refused(&missing)?;
    }
    if probe.offer.features.contains(Features::HARD_LINKS) {
        probe.hard_link(&sample.path, &behind).await?.refused(&missing)?;
    }
    Ok(())
}

async fn set_stat_missing(probe: &Probe<'_>) -> Tried {
    let nothing = AttributeChanges::default;
    probe.set_stat(&probe.missing(), nothing()).await?.refused(&[ErrorCode::NoSuchFile])?;
    probe.set_stat(&probe.some_directory(), nothing()).await?.done()
}

async fn real_path(probe: &Probe<'_>) -> Tried {
    for path in [StoragePath::root(), probe.some_directory()] {
        let real = probe.real_path(&path).await?.done()?;
        same("the real path of a directory", &path.as_str(), &real.as_str())?;
    }
    let sample = probe.sample().await?;
    let real = probe.real_path(&sample.path).await?.done()?;
    same("the real path of a file", &sample.path.as_str(), &real.as_str())
}

async fn real_path_missing(probe: &Probe<'_>) -> Tried {
    let path = probe.missing();
    let real = probe.real_path(&path).await?.done()?;
    same("the real path of a missing file", &path.as_str(), &real.as_str())
}

async fn real_path_behind_nothing(probe: &Probe<'_>) -> Tried {
    let behind = within(&probe.missing(), "behind");
    probe.real_path(&behind).await?.refused(&[ErrorCode::NoSuchFile])?;
    match probe.sample().await {
        Ok(sample) => probe.real_path(&within(&sample.path, "behind")).await?.refused(&NOT_THERE),
        Err(_) => Ok(()),
    }
}

async fn real_path_links(probe: &Probe<'_>) -> Tried {
    let real = probe.path("real");
    probe.make_directory(&real).await?.done()?;
    let file = probe.make_file("real/file", b"").await?;
    probe.symlink("real", &probe.path("on-the-way")).await?.done()?;
    probe.symlink(file.as_str(), &probe.path("at-the-end")).await?.done()?;
    probe.symlink("../at-the-end", &probe.path("real/both")).await?.done()?;
    for through in ["on-the-way/file", "at-the-end", "on-the-way/both"] {
        let found = probe.real_path(&probe.path(through)).await?.done()?;
        same(&format!("the real path of {through}"), &file.as_str(), &found.as_str())?;
    }
    Ok(())
}

/// The path of `name` beneath `path`.
fn within(path: &StoragePath, name: &str) -> StoragePath {
    StoragePath::resolve(path, name).unwrap_or_else(StoragePath::root)
}
