//! Opening files: what each flag means and what is refused.

use crate::check::attempt::{Tried, holds, same, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::storage::{Ending, ErrorCode, Features, OpenFlags};

pub const ROWS: &[Row] = &[
    row!("open-missing", "session.open", "no-such-file where nothing is, without create", Needs::Nothing, missing),
    row!("open-a-directory", "session.open", "is-a-directory for a directory", Needs::Nothing, a_directory),
    row!(
        "open-create",
        "types.open-flags",
        "create makes a file that is missing and leaves one that is there as it is",
        Needs::Change,
        create
    ),
    row!(
        "open-truncate",
        "types.open-flags",
        "truncate empties a file that is there, with create or without",
        Needs::Change,
        truncate
    ),
    row!("open-append", "types.open-flags", "with append every write goes to the end", Needs::Change, append),
    row!(
        "open-exclusive",
        "session.open",
        "already-exists with exclusive for a file and for a directory",
        Needs::Change,
        exclusive
    ),
    row!(
        "open-exclusive-link",
        "session.open",
        "already-exists with exclusive for a dangling symbolic link too",
        Needs::Claimed(Features::SYMLINKS),
        exclusive_link
    ),
    row!(
        "open-permissions",
        "session.open",
        "permissions are what a file gets if it is created, and from the first moment",
        Needs::Claimed(Features::PERMISSIONS),
        permissions
    ),
];

async fn missing(probe: &Probe<'_>) -> Tried {
    probe.open(&probe.missing(), OpenFlags::READ).await?.refused(&[ErrorCode::NoSuchFile])?;
    if probe.offer.can_change {
        probe.open(&probe.missing(), OpenFlags::WRITE).await?.refused(&[ErrorCode::NoSuchFile])?;
    }
    Ok(())
}

async fn a_directory(probe: &Probe<'_>) -> Tried {
    let directory = probe.some_directory();
    probe.open(&directory, OpenFlags::READ).await?.refused(&[ErrorCode::IsADirectory])?;
    if probe.offer.can_change {
        probe.open(&directory, OpenFlags::WRITE).await?.refused(&[ErrorCode::IsADirectory])?;
    }
    Ok(())
}

async fn create(probe: &Probe<'_>) -> Tried {
    let path = probe.path("created");
    for bytes in [b"".as_slice(), b"kept"] {
        let file = probe.open(&path, OpenFlags::WRITE | OpenFlags::CREATE).await?.done()?;
        probe.close(file, Ending::Commit).await?.done()?;
        same_bytes("what create left", bytes, &probe.contents(&path).await?)?;
        probe.put(&path, b"kept").await?;
    }
    Ok(())
}

async fn truncate(probe: &Probe<'_>) -> Tried {
    let path = probe.make_file("cut", b"what was there before").await?;
    for flags in [OpenFlags::empty(), OpenFlags::CREATE] {
        let file = probe.open(&path, OpenFlags::WRITE | OpenFlags::TRUNCATE | flags).await?.done()?;
        probe.write(file, 0, b"new").await?.done()?;
        probe.close(file, Ending::Commit).await?.done()?;
        same_bytes("what was written after truncate", b"new", &probe.contents(&path).await?)?;
    }
    Ok(())
}

async fn append(probe: &Probe<'_>) -> Tried {
    let path = probe.make_file("grows", b"one").await?;
    let opened = probe.open(&path, OpenFlags::WRITE | OpenFlags::APPEND).await?;
    let file = opened.done_if_offered(&[ErrorCode::Unsupported])?;
    probe.write(file, 0, b", two").await?.done_if_offered(&[ErrorCode::Unsupported])?;
    probe.write(file, 1, b", three").await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    same_bytes("what was appended", b"one, two, three", &probe.contents(&path).await?)
}

async fn exclusive(probe: &Probe<'_>) -> Tried {
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let path = probe.make_file("taken", b"kept").await?;
    probe.open(&path, flags).await?.refused(&[ErrorCode::AlreadyExists])?;
    same_bytes("the file that was in the way", b"kept", &probe.contents(&path).await?)?;
    let directory = probe.path("directory");
    probe.make_directory(&directory).await?.done()?;
    probe.open(&directory, flags).await?.refused(&[ErrorCode::AlreadyExists])
}

async fn exclusive_link(probe: &Probe<'_>) -> Tried {
    let link = probe.path("link");
    probe.symlink("nowhere", &link).await?.done()?;
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    // A guest that follows the link makes what it leads to.
    probe.made(&probe.path("nowhere"));
    probe.open(&link, flags).await?.refused(&[ErrorCode::AlreadyExists])
}

async fn permissions(probe: &Probe<'_>) -> Tried {
    let path = probe.path("private");
    let file = probe.open_with(&path, OpenFlags::WRITE | OpenFlags::CREATE, 0o640).await?.done()?;
    let open = probe.file_stat(file).await?.done()?.permissions;
    same("the permissions of the new file while it is open", &octal(Some(0o640)), &octal(open))?;
    probe.close(file, Ending::Commit).await?.done()?;
    let closed = probe.stat(&path, true).await?.done()?.permissions;
    same("the permissions of the new file", &octal(Some(0o640)), &octal(closed))?;
    let file = probe.open_with(&path, OpenFlags::WRITE | OpenFlags::CREATE, 0o604).await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    let again = probe.stat(&path, true).await?.done()?.permissions;
    holds(again == Some(0o640), "the permissions of a file that was there stay 0640", || octal(again))
}

fn octal(permissions: Option<u16>) -> String {
    permissions.map_or_else(|| "none".to_owned(), |bits| format!("{bits:04o}"))
}
