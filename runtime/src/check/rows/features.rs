//! Features that have no part of the contract to themselves, and those that are not claimed.

use crate::check::attempt::{Attempt, Stop, Tried, holds, same, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::check::survey::REFUSALS;
use crate::check::words;
use crate::storage::{AttributeChanges, Ending, ErrorCode, Features, OpenFlags, Timestamp, Usage};

pub const ROWS: &[Row] = &[
    row!(
        "sync",
        "types.features (sync)",
        "what was written can be synced, and is there",
        Needs::Claimed(Features::SYNC),
        sync
    ),
    row!("usage", "session.usage", "no more is free than there is", Needs::Shown(Features::USAGE), usage),
    row!("file-usage", "file.usage", "as that of the session", Needs::Shown(Features::USAGE), file_usage),
    row!(
        "unclaimed",
        "types.features",
        "what is not claimed is answered by unsupported, or by read-only",
        Needs::Change,
        unclaimed
    ),
    row!(
        "unchanged",
        "types.error-code (read-only)",
        "a storage that does not change refuses every change",
        Needs::Nothing,
        unchanged
    ),
];

async fn sync(probe: &Probe<'_>) -> Tried {
    let path = probe.path("synced");
    let file = probe.open(&path, OpenFlags::WRITE | OpenFlags::CREATE).await?.done()?;
    probe.write(file, 0, b"safe").await?.done()?;
    probe.sync(file).await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    same_bytes("what was synced", b"safe", &probe.contents(&path).await?)
}

async fn usage(probe: &Probe<'_>) -> Tried {
    sane(probe.usage(&probe.some_directory()).await?.done()?)?;
    probe.usage(&probe.missing()).await?.refused(&[ErrorCode::NoSuchFile])
}

async fn file_usage(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let file = probe.open(&sample.path, OpenFlags::READ).await?.done()?;
    let found = probe.file_usage(file).await?.done()?;
    sane(found)?;
    let expected = probe.usage(&sample.path).await?.done()?;
    let constant = |usage: Usage| (usage.fragment_size, usage.blocks, usage.filesystem_id, usage.name_max);
    same("the size of the storage", &constant(expected), &constant(found))
}

fn sane(usage: Usage) -> Tried {
    let is_sane = usage.blocks_free <= usage.blocks
        && usage.blocks_available <= usage.blocks_free
        && usage.files_free <= usage.files
        && usage.files_available <= usage.files_free
        && usage.block_size > 0
        && usage.fragment_size > 0
        && usage.name_max > 0;
    holds(is_sane, "units above 0, and no more free than there is", || format!("{usage:?}"))
}

/// The storage has to say that it cannot, whatever the host lets through.
async fn unclaimed(probe: &Probe<'_>) -> Tried {
    let missing = Features::all().difference(probe.offer.features | Features::ATOMIC_UPLOAD);
    if missing.is_empty() {
        return Err(Stop::not_offered("it claims every feature"));
    }
    let sample = probe.sample().await?;
    for feature in missing.iter() {
        let attempt = ask_for(probe, feature, &sample.path).await?;
        let what = words::features(feature).join(", ");
        match attempt.answer() {
            Err(error) if matches!(error.code, ErrorCode::Unsupported | ErrorCode::ReadOnly) => {}
            Err(error) => return Err(Stop::fails(format!("unsupported for {what}"), words::error(&error))),
            Ok(()) => return Err(Stop::fails(format!("unsupported for {what}"), "success")),
        }
    }
    Ok(())
}

async fn ask_for(probe: &Probe<'_>, feature: Features, path: &crate::storage::StoragePath) -> Tried<Attempt<()>> {
    let change = |change: fn(&mut AttributeChanges)| {
        let mut changes = AttributeChanges::default();
        change(&mut changes);
        probe.set_stat(path, changes)
    };
    match feature {
        Features::SYMLINKS => probe.symlink("sample", &probe.path("symlink")).await,
        Features::HARD_LINKS => probe.hard_link(path, &probe.path("hard-link")).await,
        Features::ATOMIC_REPLACE => {
            let source = probe.make_file("replacing", b"new").await?;
            probe.rename(&source, path, true).await
        }
        Features::SYNC => {
            let file = probe.open(&probe.path("synced"), OpenFlags::WRITE | OpenFlags::CREATE).await?.done()?;
            let attempt = probe.sync(file).await?;
            probe.close(file, Ending::Commit).await?.done()?;
            Ok(attempt)
        }
        Features::USAGE => Ok(probe.usage(path).await?.without_answer()),
        Features::PERMISSIONS => change(|changes| changes.permissions = Some(0o600)).await,
        Features::OWNERSHIP => change(|changes| (changes.uid, changes.gid) = (Some(1234), Some(4321))).await,
        Features::TIMES => change(|changes| changes.modified = Some(Timestamp { seconds: 1, nanoseconds: 0 })).await,
        Features::EXTENDED_ATTRIBUTES => {
            change(|changes| changes.extended = vec![("check@strongroom".to_owned(), vec![1])]).await
        }
        _ => random_write(probe).await,
    }
}

/// It may be told as late as at the close.
async fn random_write(probe: &Probe<'_>) -> Tried<Attempt<()>> {
    let file = probe.open(&probe.path("random"), OpenFlags::WRITE | OpenFlags::CREATE).await?.done()?;
    let write = probe.write(file, 4096, b"not in order").await?;
    if !write.is_done() {
        probe.close(file, Ending::Discard).await?.answer().ok();
        return Ok(write);
    }
    probe.close(file, Ending::Commit).await
}

/// What is asked for lies where nothing is, so that a storage which does change is not harmed.
async fn unchanged(probe: &Probe<'_>) -> Tried {
    if probe.offer.can_change {
        return Err(Stop::not_offered("it can be changed"));
    }
    let (path, other) = (probe.offer.scratch.clone(), probe.path("other"));
    let refusals = [REFUSALS.as_slice(), &[ErrorCode::NoSuchFile, ErrorCode::NotADirectory]].concat();
    probe.make_directory(&path).await?.refused(&REFUSALS)?;
    probe.open(&path, OpenFlags::WRITE | OpenFlags::CREATE).await?.refused(&REFUSALS)?;
    probe.symlink("anywhere", &path).await?.refused(&REFUSALS)?;
    probe.remove(&path).await?.refused(&refusals)?;
    probe.remove_directory(&path).await?.refused(&refusals)?;
    probe.rename(&path, &other, false).await?.refused(&refusals)?;
    probe.hard_link(&path, &other).await?.refused(&refusals)
}
