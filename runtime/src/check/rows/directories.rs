//! Making directories and listing them.

use crate::check::attempt::{Stop, Tried, holds, same};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::check::words;
use crate::storage::{DirectoryEntry, ErrorCode, Features, FileKind, StoragePath};
use std::collections::BTreeSet;

pub const ROWS: &[Row] = &[
    row!(
        "make-directory-exists",
        "session.make-directory",
        "already-exists for anything that is there",
        Needs::Change,
        make_exists
    ),
    row!(
        "make-directory-permissions",
        "session.make-directory",
        "a directory gets the permissions that it is made with",
        Needs::Claimed(Features::PERMISSIONS),
        make_permissions
    ),
    row!("list-missing", "session.open-directory", "no-such-file where nothing is", Needs::Nothing, missing),
    row!("list-a-file", "session.open-directory", "not-a-directory for what is none", Needs::Nothing, a_file),
    row!("list-all", "directory.read", "every entry once, over many reads", Needs::Nothing, all),
    row!("list-max", "directory.read", "at most max entries", Needs::Nothing, max),
    row!("list-end", "directory.read", "empty at the end, again and again", Needs::Nothing, end),
    row!("list-dots", "directory.read", "without '.' and '..'", Needs::Nothing, dots),
    row!(
        "list-attributes",
        "types.directory-entry",
        "attributes as stat without following tells them",
        Needs::Nothing,
        attributes
    ),
    row!("list-apart", "directory.read", "a directory opened twice is listed twice", Needs::Nothing, apart),
];

async fn make_exists(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    probe.make_directory(&sample.path).await?.refused(&[ErrorCode::AlreadyExists])?;
    probe.make_directory(probe.directory()?).await?.refused(&[ErrorCode::AlreadyExists])?;
    if probe.offer.features.contains(Features::SYMLINKS) {
        let link = probe.path("dangling");
        probe.symlink("nowhere", &link).await?.done()?;
        probe.made(&probe.path("nowhere"));
        probe.make_directory(&link).await?.refused(&[ErrorCode::AlreadyExists])?;
    }
    Ok(())
}

async fn make_permissions(probe: &Probe<'_>) -> Tried {
    let path = probe.path("private");
    probe.make_directory_with(&path, 0o750).await?.done()?;
    let found = probe.stat(&path, true).await?.done()?.permissions;
    holds(found == Some(0o750), "permissions of 0750", || found.map_or("none".to_owned(), |bits| format!("{bits:04o}")))
}

async fn missing(probe: &Probe<'_>) -> Tried {
    probe.open_directory(&probe.missing()).await?.refused(&[ErrorCode::NoSuchFile])
}

async fn a_file(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    probe.open_directory(&sample.path).await?.refused(&[ErrorCode::NotADirectory])
}

/// A directory with the names in it: one that we made, or one that the storage shows.
async fn filled(probe: &Probe<'_>) -> Tried<(StoragePath, BTreeSet<String>)> {
    if !probe.offer.can_change {
        let path = probe.some_directory();
        let entries = probe.list(&path, 1000).await?;
        return Ok((path, entries.iter().map(|entry| entry.name.as_str().to_owned()).collect()));
    }
    let names: BTreeSet<String> = (0..25).map(|number| format!("entry-{number:02}")).collect();
    for (number, name) in names.iter().enumerate() {
        if number % 5 == 4 {
            probe.make_directory(&probe.path(name)).await?.done()?;
        } else {
            probe.make_file(name, name.as_bytes()).await?;
        }
    }
    Ok((probe.directory()?.clone(), names))
}

async fn all(probe: &Probe<'_>) -> Tried {
    let (path, names) = filled(probe).await?;
    for max in [4, 1000] {
        let entries = probe.list(&path, max).await?;
        let mut told = BTreeSet::new();
        for entry in &entries {
            let name = entry.name.as_str();
            if !told.insert(name.to_owned()) {
                return Err(Stop::fails("every entry once", format!("{} twice", words::quoted(name))));
            }
        }
        same(&format!("the names, {max} at a time"), &names, &told)?;
    }
    Ok(())
}

/// The host itself refuses more than it asked for, as a fault.
async fn max(probe: &Probe<'_>) -> Tried {
    let (path, _) = filled(probe).await?;
    let directory = probe.open_directory(&path).await?.done()?;
    for max in [1, 3, 2] {
        probe.read_directory(directory, max).await?.done()?;
    }
    Ok(())
}

async fn end(probe: &Probe<'_>) -> Tried {
    let (path, _) = filled(probe).await?;
    let directory = probe.open_directory(&path).await?.done()?;
    let mut count = 0;
    loop {
        let batch = probe.read_directory(directory, 100).await?.done()?;
        count += batch.len();
        if batch.is_empty() {
            break;
        }
        holds(count <= crate::check::steps::MAX_ENTRIES, "an end", || format!("{count} entries and no end"))?;
    }
    for _ in 0..3 {
        let batch = probe.read_directory(directory, 100).await?.done()?;
        holds(batch.is_empty(), "nothing after the end", || format!("{} entries", batch.len()))?;
    }
    Ok(())
}

/// The host itself refuses these names, as a fault. A new directory is empty without them.
async fn dots(probe: &Probe<'_>) -> Tried {
    let entries = probe.list(&probe.some_directory(), 100).await?;
    if probe.offer.can_change && !probe.offer.is_flat {
        holds(entries.is_empty(), "an empty directory", || format!("{} entries", entries.len()))?;
    }
    Ok(())
}

async fn attributes(probe: &Probe<'_>) -> Tried {
    let path = probe.some_directory();
    if probe.offer.can_change {
        probe.sample().await?;
        probe.make_directory(&probe.path("directory")).await?.done()?;
        if probe.offer.features.contains(Features::SYMLINKS) {
            probe.symlink("sample", &probe.path("link")).await?.done()?;
        }
    }
    for entry in probe.list(&path, 100).await? {
        let Some(path) = StoragePath::resolve(&path, entry.name.as_str()) else { continue };
        let stat = probe.stat(&path, false).await?.done()?;
        let name = words::quoted(entry.name.as_str());
        same(&format!("the kind of {name}"), &words::kind(stat.kind), &words::kind(entry.attributes.kind))?;
        let sizes = if stat.kind == FileKind::Directory { None } else { stat.size.zip(entry.attributes.size) };
        if let Some((stat, listed)) = sizes {
            same(&format!("the size of {name}"), &stat, &listed)?;
        }
    }
    Ok(())
}

async fn apart(probe: &Probe<'_>) -> Tried {
    let (path, names) = filled(probe).await?;
    let (first, second) = (probe.open_directory(&path).await?.done()?, probe.open_directory(&path).await?.done()?);
    let mut told = [Vec::new(), Vec::new()];
    loop {
        let mut is_end = true;
        for (directory, told) in [first, second].into_iter().zip(&mut told) {
            let batch = probe.read_directory(directory, 2).await?.done()?;
            is_end &= batch.is_empty();
            told.extend(batch);
        }
        if is_end || told.iter().any(|told| told.len() > names.len()) {
            break;
        }
    }
    for told in &told {
        same("the names of a directory that is open twice", &names, &sorted(told))?;
    }
    Ok(())
}

fn sorted(entries: &[DirectoryEntry]) -> BTreeSet<String> {
    entries.iter().map(|entry| entry.name.as_str().to_owned()).collect()
}
