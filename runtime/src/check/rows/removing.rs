//! Removing files, links and directories.

use crate::check::attempt::{Tried, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::storage::{ErrorCode, Features};

pub const ROWS: &[Row] = &[
    row!("remove", "session.remove", "what was removed is gone", Needs::Change, remove),
    row!("remove-a-directory", "session.remove", "is-a-directory for a directory", Needs::Change, a_directory),
    row!("remove-missing", "session.remove", "no-such-file where nothing is", Needs::Change, missing),
    row!(
        "remove-link",
        "session.remove",
        "a symbolic link itself, and not what it leads to",
        Needs::Claimed(Features::SYMLINKS),
        link
    ),
    row!("remove-directory", "session.remove-directory", "what was removed is gone", Needs::Change, directory),
    row!(
        "remove-directory-not-empty",
        "session.remove-directory",
        "not-empty for a directory with something in it",
        Needs::Change,
        not_empty
    ),
    row!(
        "remove-directory-a-file",
        "session.remove-directory",
        "not-a-directory for what is none",
        Needs::Change,
        a_file
    ),
    row!(
        "remove-directory-missing",
        "session.remove-directory",
        "no-such-file where nothing is",
        Needs::Change,
        directory_missing
    ),
];

async fn remove(probe: &Probe<'_>) -> Tried {
    let path = probe.make_file("removed", b"").await?;
    probe.remove(&path).await?.done()?;
    probe.stat(&path, false).await?.refused(&[ErrorCode::NoSuchFile])
}

async fn a_directory(probe: &Probe<'_>) -> Tried {
    let path = probe.path("directory");
    probe.make_directory(&path).await?.done()?;
    probe.remove(&path).await?.refused(&[ErrorCode::IsADirectory])?;
    probe.stat(&path, false).await?.done().map(drop)
}

async fn missing(probe: &Probe<'_>) -> Tried {
    probe.remove(&probe.missing()).await?.refused(&[ErrorCode::NoSuchFile])
}

async fn link(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let link = probe.path("link");
    probe.symlink("sample", &link).await?.done()?;
    probe.remove(&link).await?.done()?;
    probe.stat(&link, false).await?.refused(&[ErrorCode::NoSuchFile])?;
    same_bytes("what the link led to", &sample.bytes, &probe.contents(&sample.path).await?)
}

async fn directory(probe: &Probe<'_>) -> Tried {
    let path = probe.path("directory");
    probe.make_directory(&path).await?.done()?;
    probe.remove_directory(&path).await?.done()?;
    probe.stat(&path, false).await?.refused(&[ErrorCode::NoSuchFile])
}

async fn not_empty(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    probe.remove_directory(probe.directory()?).await?.refused(&[ErrorCode::NotEmpty])?;
    same_bytes("what is in the directory", &sample.bytes, &probe.contents(&sample.path).await?)
}

async fn a_file(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    probe.remove_directory(&sample.path).await?.refused(&[ErrorCode::NotADirectory])?;
    if probe.offer.features.contains(Features::SYMLINKS) {
        let (target, link) = (probe.path("directory"), probe.path("link"));
        probe.make_directory(&target).await?.done()?;
        probe.symlink("directory", &link).await?.done()?;
        probe.remove_directory(&link).await?.refused(&[ErrorCode::NotADirectory])?;
    }
    Ok(())
}

async fn directory_missing(probe: &Probe<'_>) -> Tried {
    probe.remove_directory(&probe.missing()).await?.refused(&[ErrorCode::NoSuchFile])
}
