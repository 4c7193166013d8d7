//! Symbolic links and hard links.

use crate::check::attempt::{Stop, Tried, holds, same, same_bytes};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::check::words;
use crate::storage::{Ending, ErrorCode, Features, FileKind, OpenFlags, StoragePath};

const SYMLINKS: Needs = Needs::Claimed(Features::SYMLINKS);
const HARD_LINKS: Needs = Needs::Claimed(Features::HARD_LINKS);

pub const ROWS: &[Row] = &[
    row!(
        "read-link",
        "session.read-link",
        "the target as it is kept, which is any string as the client sent it",
        Needs::Shown(Features::SYMLINKS),
        read_link
    ),
    row!(
        "read-link-no-link",
        "session.read-link",
        "invalid-argument for what is no link",
        Needs::Nothing,
        read_link_no_link
    ),
    row!(
        "stat-link",
        "session.stat",
        "of the symbolic link itself unless follow",
        Needs::Shown(Features::SYMLINKS),
        stat_link
    ),
    row!("stat-dangling", "session.stat", "no-such-file if a link leads nowhere and is followed", SYMLINKS, dangling),
    row!("link-absolute", "session.read-link", "absolute targets begin at this storage's root", SYMLINKS, absolute),
    row!("link-loop", "types.error-code", "loop for too many symbolic links on the way", SYMLINKS, link_loop),
    row!("symlink-exists", "session.symlink", "already-exists for anything that is there", SYMLINKS, symlink_exists),
    row!("hard-link", "session.hard-link", "two names of one file, of which each can go", HARD_LINKS, hard_link),
    row!(
        "hard-link-of-link",
        "session.hard-link",
        "of a symbolic link itself, which is not followed",
        Needs::Claimed(Features::SYMLINKS.union(Features::HARD_LINKS)),
        hard_link_of_link
    ),
    row!(
        "hard-link-exists",
        "session.hard-link",
        "already-exists for anything that is there",
        HARD_LINKS,
        hard_link_exists
    ),
];

async fn read_link(probe: &Probe<'_>) -> Tried {
    if !probe.offer.can_change {
        let target = probe.read_link(&shown(probe)?).await?.done()?;
        return holds(!target.is_empty(), "a target", || "none".to_owned());
    }
    let targets =
        ["nowhere", "../../../up", "/at/the/root", "a//b/./c/", "with space\nand line", "caf\u{efe9}", "日本"];
    for (number, target) in targets.iter().enumerate() {
        let link = probe.path(&format!("link-{number}"));
        probe.symlink(target, &link).await?.done()?;
        same("the target", target, &probe.read_link(&link).await?.done()?.as_str())?;
    }
    Ok(())
}

/// A link that a storage shows which cannot be changed.
fn shown(probe: &Probe<'_>) -> Tried<StoragePath> {
    probe.offer.shown.link.clone().ok_or_else(|| Stop::not_offered("it shows no symbolic link"))
}

async fn read_link_no_link(probe: &Probe<'_>) -> Tried {
    let mut expected = vec![ErrorCode::InvalidArgument];
    if !probe.offer.features.contains(Features::SYMLINKS) {
        expected.push(ErrorCode::Unsupported);
    }
    probe.read_link(&probe.some_directory()).await?.refused(&expected)?;
    let sample = probe.sample().await?;
    probe.read_link(&sample.path).await?.refused(&expected)
}

async fn stat_link(probe: &Probe<'_>) -> Tried {
    let link = if probe.offer.can_change {
        probe.sample().await?;
        let link = probe.path("link");
        probe.symlink("sample", &link).await?.done()?;
        link
    } else {
        shown(probe)?
    };
    let itself = probe.stat(&link, false).await?.done()?;
    same("the kind of a link", &words::kind(FileKind::Symlink), &words::kind(itself.kind))?;
    let target = probe.stat(&link, true).await?.done()?;
    holds(target.kind != FileKind::Symlink, "what the link leads to", || words::kind(target.kind).to_owned())
}

async fn dangling(probe: &Probe<'_>) -> Tried {
    let link = probe.path("dangling");
    probe.symlink("nowhere", &link).await?.done()?;
    let itself = probe.stat(&link, false).await?.done()?;
    same("the kind of a link", &words::kind(FileKind::Symlink), &words::kind(itself.kind))?;
    probe.stat(&link, true).await?.refused(&[ErrorCode::NoSuchFile])?;
    probe.open(&link, OpenFlags::READ).await?.refused(&[ErrorCode::NoSuchFile])
}

async fn absolute(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let link = probe.path("absolute");
    probe.symlink(sample.path.as_str(), &link).await?.done()?;
    same_bytes("what an absolute link leads to", &sample.bytes, &probe.contents(&link).await?)
}

async fn link_loop(probe: &Probe<'_>) -> Tried {
    let (one, other) = (probe.path("one"), probe.path("other"));
    probe.symlink("other", &one).await?.done()?;
    probe.symlink("one", &other).await?.done()?;
    probe.stat(&one, true).await?.refused(&[ErrorCode::Loop])?;
    probe.open(&one, OpenFlags::READ).await?.refused(&[ErrorCode::Loop])
}

async fn symlink_exists(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    probe.symlink("anywhere", &sample.path).await?.refused(&[ErrorCode::AlreadyExists])?;
    let link = probe.path("link");
    probe.symlink("first", &link).await?.done()?;
    probe.symlink("second", &link).await?.refused(&[ErrorCode::AlreadyExists])
}

async fn hard_link(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let other = probe.path("other");
    probe.hard_link(&sample.path, &other).await?.done()?;
    let links = probe.stat(&other, false).await?.done()?.link_count;
    holds(links.is_none_or(|links| links == 2), "a link count of 2", || format!("{links:?}"))?;
    let file = probe.open(&other, OpenFlags::WRITE | OpenFlags::TRUNCATE).await?.done()?;
    probe.write(file, 0, b"by the other name").await?.done()?;
    probe.close(file, Ending::Commit).await?.done()?;
    let contents = probe.contents(&sample.path).await?;
    same_bytes("what was written by the other name", b"by the other name", &contents)?;
    probe.remove(&sample.path).await?.done()?;
    same_bytes("what is left by the other name", b"by the other name", &probe.contents(&other).await?)
}

async fn hard_link_of_link(probe: &Probe<'_>) -> Tried {
    probe.sample().await?;
    let (link, other) = (probe.path("link"), probe.path("other"));
    probe.symlink("sample", &link).await?.done()?;
    probe.hard_link(&link, &other).await?.done()?;
    let kind = probe.stat(&other, false).await?.done()?.kind;
    same("the kind of the new name", &words::kind(FileKind::Symlink), &words::kind(kind))
}

async fn hard_link_exists(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let taken = probe.make_file("taken", b"kept").await?;
    probe.hard_link(&sample.path, &taken).await?.refused(&[ErrorCode::AlreadyExists])?;
    same_bytes("the file that was in the way", b"kept", &probe.contents(&taken).await?)
}
