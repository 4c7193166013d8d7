//! Reading what a file says of itself, and changing it: on one file, found once.

use super::PosixPolicy;
use super::resolve::{RelativePath, Resolver, by_descriptor};
use crate::sandbox::bindings::types::{AttributeChanges, Attributes, FileKind, Timestamp, Usage};
use rustix::fs::{
    self, AtFlags, FileType, Gid, Mode, OFlags, Stat, StatVfs, StatVfsMountFlags, Timespec, Timestamps, Uid,
};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

const SETID_BITS: u32 = 0o6000;

/// A rename may come between finding a file and opening it for writing; then both are done again.
const MAX_ATTEMPTS: usize = 16;

/// stat(2) or lstat(2).
pub fn stat_at(
    resolver: Resolver,
    root: BorrowedFd<'_>,
    path: RelativePath<'_>,
    follow: bool,
) -> Result<Attributes, Errno> {
    // Not by its name ".", for which the directory would have to be searchable.
    if path.is_directory_itself() {
        return stat(root);
    }
    // A name in the root itself, and no link: one system call.
    if let Some(name) = path.as_name() {
        let stat = fs::statat(root, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if !follow || FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return Ok(attributes(&stat));
        }
    }
    let file = find(resolver, root, path, follow)?;
    stat(file.as_fd())
}

/// fstat(2).
pub fn stat(file: BorrowedFd<'_>) -> Result<Attributes, Errno> {
    Ok(attributes(&stat_of(file)?))
}

/// As the contract's `set-stat-at`.
pub fn set_stat_at(
    resolver: Resolver,
    root: BorrowedFd<'_>,
    path: RelativePath<'_>,
    follow: bool,
    changes: &AttributeChanges,
    policy: PosixPolicy,
) -> Result<(), Errno> {
    let file = find(resolver, root, path, follow)?;
    let before = stat_of(file.as_fd())?;
    if let Some(size) = changes.size {
        let writable = open_same(resolver, root, path, follow, &before)?;
        fs::ftruncate(&writable, size)?;
    }
    if let Some(bits) = changes.permissions {
        let mode = checked_mode(bits, &before, policy)?;
        if FileType::from_raw_mode(before.st_mode) == FileType::Symlink {
            // Linux says EOPNOTSUPP, which here would say that no permissions can be changed at all.
            return Err(Errno::IO);
        }
        // chmod(2) takes no O_PATH descriptor, and fchmodat2 is younger than the kernels in use.
        fs::chmod(by_descriptor(file.as_fd()), mode)?;
    }
    if let Some(times) = times(changes) {
        fs::utimensat(&file, "", &times, AtFlags::EMPTY_PATH)?;
    }
    if let Some((uid, gid)) = owners(changes, &before, policy)? {
        fs::chownat(&file, "", uid, gid, AtFlags::EMPTY_PATH)?;
    }
    refuse_extended(changes)
}

/// As the contract's `set-stat`; `writable` says whether the descriptor was opened for writing.
pub fn set_stat(
    file: BorrowedFd<'_>,
    writable: bool,
    changes: &AttributeChanges,
    policy: PosixPolicy,
) -> Result<(), Errno> {
    if let Some(size) = changes.size {
        if !writable {
            return Err(Errno::BADF);
        }
        fs::ftruncate(file, size)?;
    }
    if let Some(bits) = changes.permissions {
        let mode = if u32::from(bits) & SETID_BITS == 0 {
            Mode::from_raw_mode(u32::from(bits) & 0o7777)
        } else {
            checked_mode(bits, &stat_of(file)?, policy)?
        };
        fs::fchmod(file, mode)?;
    }
    if let Some(times) = times(changes) {
        fs::futimens(file, &times)?;
    }
    if (changes.uid.is_some() || changes.gid.is_some())
        && let Some((uid, gid)) = owners(changes, &stat_of(file)?, policy)?
    {
        fs::fchown(file, uid, gid)?;
    }
    refuse_extended(changes)
}

/// statvfs(2) of the file system that holds `path`.
pub fn usage_at(resolver: Resolver, root: BorrowedFd<'_>, path: RelativePath<'_>) -> Result<Usage, Errno> {
    usage(find(resolver, root, path, true)?.as_fd())
}

/// fstatvfs(2).
pub fn usage(file: BorrowedFd<'_>) -> Result<Usage, Errno> {
    let StatVfs {
        f_bsize,
        f_frsize,
        f_blocks,
        f_bfree,
        f_bavail,
        f_files,
        f_ffree,
        f_favail,
        f_fsid,
        f_flag,
        f_namemax,
    } = fs::fstatvfs(file)?;
    Ok(Usage {
        block_size: f_bsize,
        fragment_size: f_frsize,
        blocks: f_blocks,
        blocks_free: f_bfree,
        blocks_available: f_bavail,
        files: f_files,
        files_free: f_ffree,
        files_available: f_favail,
        filesystem_id: f_fsid,
        read_only: f_flag.contains(StatVfsMountFlags::RDONLY),
        no_setuid: f_flag.contains(StatVfsMountFlags::NOSUID),
        name_max: f_namemax,
    })
}

/// The contract's attributes of a stat(2) result. Names of owners tell one tenant of another, so there are none.
pub fn attributes(stat: &Stat) -> Attributes {
    Attributes {
        kind: kind(FileType::from_raw_mode(stat.st_mode)),
        size: u64::try_from(stat.st_size).ok(),
        permissions: u16::try_from(stat.st_mode & 0o7777).ok(),
        uid: Some(stat.st_uid),
        gid: Some(stat.st_gid),
        user: None,
        group: None,
        accessed: Some(timestamp(stat.st_atime, stat.st_atime_nsec)),
        modified: Some(timestamp(stat.st_mtime, stat.st_mtime_nsec)),
        link_count: Some(stat.st_nlink),
        extended: Vec::new(),
    }
}

/// What is left to say of a file that cannot be looked at.
pub fn attributes_of_kind(file_type: FileType) -> Attributes {
    Attributes {
        kind: kind(file_type),
        size: None,
        permissions: None,
        uid: None,
        gid: None,
        user: None,
        group: None,
        accessed: None,
        modified: None,
        link_count: None,
        extended: Vec::new(),
    }
}

fn stat_of(file: BorrowedFd<'_>) -> Result<Stat, Errno> {
    fs::fstat(file)
}

/// A descriptor that only names the file: finding it opens nothing and waits for nothing.
fn find(resolver: Resolver, root: BorrowedFd<'_>, path: RelativePath<'_>, follow: bool) -> Result<OwnedFd, Errno> {
    let nofollow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    resolver.open(root, path, OFlags::PATH | nofollow, Mode::empty())
}

/// The file of `before`, opened for writing: a regular file, and the same one.
fn open_same(
    resolver: Resolver,
    root: BorrowedFd<'_>,
    path: RelativePath<'_>,
    follow: bool,
    before: &Stat,
) -> Result<OwnedFd, Errno> {
    match FileType::from_raw_mode(before.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory => return Err(Errno::ISDIR),
        _ => return Err(Errno::INVAL),
    }
    let nofollow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | nofollow;
    for _ in 0..MAX_ATTEMPTS {
        let file = resolver.open(root, path, flags, Mode::empty())?;
        let stat = stat_of(file.as_fd())?;
        if (stat.st_dev, stat.st_ino) == (before.st_dev, before.st_ino) {
            return Ok(file);
        }
    }
    Err(Errno::BUSY)
}

/// Whether nothing is to be changed, which is no more than a look.
pub fn is_nothing(changes: &AttributeChanges) -> bool {
    let AttributeChanges { size, permissions, uid, gid, accessed, modified, extended } = changes;
    let has_owner = uid.is_some() || gid.is_some();
    let has_time = accessed.is_some() || modified.is_some();
    size.is_none() && permissions.is_none() && !has_owner && !has_time && extended.is_empty()
}

/// The last in the order in which attributes are set: what came before stays.
fn refuse_extended(changes: &AttributeChanges) -> Result<(), Errno> {
    if changes.extended.is_empty() { Ok(()) } else { Err(Errno::OPNOTSUPP) }
}

/// Bits that the file has already need no grant.
fn checked_mode(bits: u16, before: &Stat, policy: PosixPolicy) -> Result<Mode, Errno> {
    let mode = u32::from(bits) & 0o7777;
    if mode & SETID_BITS & !before.st_mode != 0 && !policy.allow_setid {
        return Err(Errno::PERM);
    }
    Ok(Mode::from_raw_mode(mode))
}

/// What chown(2) takes; `None` leaves it.
type Owners = (Option<Uid>, Option<Gid>);

/// Owners that the file has already need no grant and no system call.
fn owners(changes: &AttributeChanges, before: &Stat, policy: PosixPolicy) -> Result<Option<Owners>, Errno> {
    let uid = changes.uid.filter(|uid| *uid != before.st_uid);
    let gid = changes.gid.filter(|gid| *gid != before.st_gid);
    if uid.is_none() && gid.is_none() {
        return Ok(None);
    }
    // The kernel reads -1 as "leave it".
    if !policy.allow_chown || uid == Some(u32::MAX) || gid == Some(u32::MAX) {
        return Err(Errno::PERM);
    }
    Ok(Some((uid.map(Uid::from_raw), gid.map(Gid::from_raw))))
}

fn times(changes: &AttributeChanges) -> Option<Timestamps> {
    if changes.accessed.is_none() && changes.modified.is_none() {
        return None;
    }
    Some(Timestamps { last_access: timespec(changes.accessed), last_modification: timespec(changes.modified) })
}

fn timespec(time: Option<Timestamp>) -> Timespec {
    match time {
        Some(time) => Timespec { tv_sec: time.seconds, tv_nsec: i64::from(time.nanoseconds.min(999_999_999)) },
        None => Timespec { tv_sec: 0, tv_nsec: fs::UTIME_OMIT },
    }
}

fn timestamp(seconds: i64, nanoseconds: u64) -> Timestamp {
    Timestamp { seconds, nanoseconds: u32::try_from(nanoseconds).unwrap_or(0) }
}

fn kind(file_type: FileType) -> FileKind {
    match file_type {
        FileType::RegularFile => FileKind::Regular,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        FileType::Fifo => FileKind::Fifo,
        FileType::CharacterDevice => FileKind::CharacterDevice,
        FileType::BlockDevice => FileKind::BlockDevice,
        FileType::Socket => FileKind::Socket,
        FileType::Unknown => FileKind::Other,
    }
}
