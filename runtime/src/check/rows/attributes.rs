//! Attributes that a storage claims to keep, and the order in which they are set.

use crate::check::attempt::{Stop, Tried, holds, same};
use crate::check::probe::Probe;
use crate::check::row::{Needs, Row, row};
use crate::storage::{AttributeChanges, Attributes, ErrorCode, Features, OpenFlags, StoragePath, Timestamp};

const PERMISSIONS: Needs = Needs::Claimed(Features::PERMISSIONS);
const TIMES: Needs = Needs::Claimed(Features::TIMES);

pub const ROWS: &[Row] = &[
    row!("set-stat-nothing", "session.set-stat", "what is absent stays", Needs::Change, nothing),
    row!("permissions", "types.features (permissions)", "permissions are kept", PERMISSIONS, permissions),
    row!("file-permissions", "file.set-stat", "those of an open file too", PERMISSIONS, file_permissions),
    row!("times", "types.features (times)", "times are kept", TIMES, times),
    row!("file-times", "file.set-stat", "those of an open file too", TIMES, file_times),
    row!(
        "times-nanoseconds",
        "types.timestamp",
        "nanoseconds are below 1,000,000,000, and a second stays",
        TIMES,
        nanoseconds
    ),
    row!(
        "ownership",
        "types.features (ownership)",
        "owners are kept, or refused by permission-denied",
        Needs::Claimed(Features::OWNERSHIP),
        ownership
    ),
    row!(
        "extended-attributes",
        "types.features (extended-attributes)",
        "extended attributes are kept",
        Needs::Claimed(Features::EXTENDED_ATTRIBUTES),
        extended
    ),
    row!(
        "set-stat-first-fails",
        "session.set-stat",
        "the first that fails ends it: the size of a directory, before its permissions",
        PERMISSIONS,
        first_fails
    ),
    row!(
        "set-stat-before-stays",
        "session.set-stat",
        "those before it stay: permissions, before extended attributes that are not kept",
        PERMISSIONS,
        before_stays
    ),
];

/// 2001-02-03 04:05:06, and a second that is another.
const MODIFIED: Timestamp = Timestamp { seconds: 981_173_106, nanoseconds: 0 };
const ACCESSED: Timestamp = Timestamp { seconds: 981_173_207, nanoseconds: 0 };

async fn nothing(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let before = probe.stat(&sample.path, true).await?.done()?;
    probe.set_stat(&sample.path, AttributeChanges::default()).await?.done()?;
    let after = probe.stat(&sample.path, true).await?.done()?;
    let told = |attributes: &Attributes| (attributes.size, attributes.permissions, attributes.modified, attributes.uid);
    same("size, permissions, modification time and owner", &told(&before), &told(&after))
}

async fn permissions(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    for bits in [0o600, 0o751] {
        probe.set_stat(&sample.path, changed(|changes| changes.permissions = Some(bits))).await?.done()?;
        same_bits(bits, stat(probe, &sample.path).await?)?;
    }
    Ok(())
}

async fn file_permissions(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let file = probe.open(&sample.path, OpenFlags::READ | OpenFlags::WRITE).await?.done()?;
    probe.file_set_stat(file, changed(|changes| changes.permissions = Some(0o640))).await?.done()?;
    same_bits(0o640, probe.file_stat(file).await?.done()?)?;
    probe.close(file, crate::storage::Ending::Commit).await?.done()?;
    same_bits(0o640, stat(probe, &sample.path).await?)
}

fn same_bits(expected: u16, found: Attributes) -> Tried {
    let found = found.permissions;
    holds(found == Some(expected), &format!("permissions of {expected:04o}"), || {
        found.map_or_else(|| "none".to_owned(), |bits| format!("{bits:04o}"))
    })
}

async fn times(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    probe.set_stat(&sample.path, both_times()).await?.done()?;
    same_times(&stat(probe, &sample.path).await?)
}

async fn file_times(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let file = probe.open(&sample.path, OpenFlags::READ | OpenFlags::WRITE).await?.done()?;
    probe.file_set_stat(file, both_times()).await?.done()?;
    probe.close(file, crate::storage::Ending::Commit).await?.done()?;
    same_times(&stat(probe, &sample.path).await?)
}

fn both_times() -> AttributeChanges {
    changed(|changes| (changes.modified, changes.accessed) = (Some(MODIFIED), Some(ACCESSED)))
}

/// A storage may tell no time of access at all.
fn same_times(found: &Attributes) -> Tried {
    same("the time of modification", &Some(MODIFIED), &found.modified)?;
    found.accessed.map_or(Ok(()), |accessed| same("the time of access", &ACCESSED, &accessed))
}

/// The host itself refuses a billion nanoseconds, as a fault. They may be kept coarser than they were given.
async fn nanoseconds(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let last = Timestamp { nanoseconds: 999_999_999, ..MODIFIED };
    let changes = changed(|changes| (changes.modified, changes.accessed) = (Some(last), Some(last)));
    probe.set_stat(&sample.path, changes).await?.done()?;
    let found = stat(probe, &sample.path).await?.modified.map(|time| time.seconds);
    same("the second of modification", &Some(MODIFIED.seconds), &found)
}

async fn ownership(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let before = stat(probe, &sample.path).await?;
    let owner = (Some(before.uid.map_or(1234, |uid| uid ^ 1)), Some(before.gid.map_or(4321, |gid| gid ^ 1)));
    let changes = |(uid, gid)| changed(|changes| (changes.uid, changes.gid) = (uid, gid));
    let expected = match probe.set_stat(&sample.path, changes(owner)).await?.answer() {
        Ok(()) => owner,
        // Another owner is the operator's to allow; the same one never fails.
        Err(error) if error.code == ErrorCode::PermissionDenied => {
            let own = (before.uid, before.gid);
            probe.set_stat(&sample.path, changes(own)).await?.done()?;
            own
        }
        Err(error) => {
            return Err(Stop::fails(
                "success or permission-denied",
                format!("set-stat: {}", crate::check::words::error(&error)),
            ));
        }
    };
    let after = stat(probe, &sample.path).await?;
    same("the owner", &expected, &(after.uid, after.gid))
}

async fn extended(probe: &Probe<'_>) -> Tried {
    let sample = probe.sample().await?;
    let mark = ("check@strongroom".to_owned(), vec![0, 1, 0xff]);
    probe.set_stat(&sample.path, changed(|changes| changes.extended = vec![mark.clone()])).await?.done()?;
    let found = stat(probe, &sample.path).await?.extended;
    holds(found.contains(&mark), "check@strongroom with its three bytes", || format!("{found:?}"))
}

async fn first_fails(probe: &Probe<'_>) -> Tried {
    let path = probe.path("directory");
    probe.make_directory(&path).await?.done()?;
    let before = stat(probe, &path).await?.permissions;
    let changes = changed(|changes| (changes.size, changes.permissions) = (Some(0), Some(0o711)));
    let attempt = probe.set_stat(&path, changes).await?;
    holds(!attempt.is_done(), "a failure to set the size of a directory", || "success".to_owned())?;
    same("the permissions, which come after the size", &before, &stat(probe, &path).await?.permissions)
}

async fn before_stays(probe: &Probe<'_>) -> Tried {
    if probe.offer.features.contains(Features::EXTENDED_ATTRIBUTES) {
        return Err(Stop::not_offered("it claims extended-attributes, which do not fail"));
    }
    let sample = probe.sample().await?;
    let changes = changed(|changes| {
        changes.permissions = Some(0o611);
        changes.extended = vec![("check@strongroom".to_owned(), vec![1])];
    });
    let attempt = probe.set_stat(&sample.path, changes).await?;
    holds(!attempt.is_done(), "a failure to set extended attributes", || "success".to_owned())?;
    same_bits(0o611, stat(probe, &sample.path).await?)
}

async fn stat(probe: &Probe<'_>, path: &StoragePath) -> Tried<Attributes> {
    probe.stat(path, true).await?.done()
}

fn changed(change: impl FnOnce(&mut AttributeChanges)) -> AttributeChanges {
    let mut changes = AttributeChanges::default();
    change(&mut changes);
    changes
}
