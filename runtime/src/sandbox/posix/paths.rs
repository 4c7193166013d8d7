//! What changes names: open and create, make, remove, rename, link. Each acts on a descriptor and one name that the
//! kernel does not follow, or is one step of openat2.

use super::PosixPolicy;
use super::resolve::{Parent, RelativePath, Resolver};
use crate::sandbox::bindings::types::OpenFlags;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;

/// What `open` found.
pub enum Opened {
    File(File),
    Directory(File),
}

/// Opens a regular file or a directory. O_NONBLOCK, so that a FIFO's other end is not waited for; it means nothing
/// for the two kinds that are accepted.
pub fn open(
    resolver: Resolver,
    root: BorrowedFd<'_>,
    path: RelativePath<'_>,
    flags: OpenFlags,
    permissions: u16,
    policy: PosixPolicy,
) -> Result<Opened, Errno> {
    let creates = flags.contains(OpenFlags::CREATE);
    let mode = if creates { creation_mode(permissions, policy)? } else { Mode::empty() };
    let oflags = access(flags) | creation(flags) | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(resolver.open(root, path, oflags, mode)?);
    match FileType::from_raw_mode(fs::fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(Opened::File(file)),
        FileType::Directory => Ok(Opened::Directory(file)),
        _ => Err(Errno::INVAL),
    }
}

pub fn make_directory(
    resolver: Resolver,
    root: BorrowedFd<'_>,
    path: RelativePath<'_>,
    permissions: u16,
    policy: PosixPolicy,
) -> Result<(), Errno> {
    if path.is_directory_itself() {
        return Err(Errno::EXIST);
    }
    let parent = resolver.parent(root, path)?;
    fs::mkdirat(&parent, parent.name, creation_mode(permissions, policy)?)
}

pub fn remove_directory(resolver: Resolver, root: BorrowedFd<'_>, path: RelativePath<'_>) -> Result<(), Errno> {
    let parent = resolver.parent(root, path)?;
    fs::unlinkat(&parent, parent.name, AtFlags::REMOVEDIR)
}

pub fn remove(resolver: Resolver, root: BorrowedFd<'_>, path: RelativePath<'_>) -> Result<(), Errno> {
    if path.is_directory_itself() {
        return Err(Errno::ISDIR);
    }
    let parent = resolver.parent(root, path)?;
    fs::unlinkat(&parent, parent.name, AtFlags::empty())
}

/// One end of a rename or a link.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub root: BorrowedFd<'a>,
    pub path: RelativePath<'a>,
}

pub fn rename(resolver: Resolver, source: Place<'_>, destination: Place<'_>, replace: bool) -> Result<(), Errno> {
    let found = (resolver.parent(source.root, source.path), resolver.parent(destination.root, destination.path));
    let (from, to) = match found {
        (Ok(from), Ok(to)) => (from, to),
        (Ok(from), Err(way)) => {
            return Err(match look(&from) {
                Err(fault) if !replace || fault == Errno::ACCESS => fault,
                // The root is there, so it is in the way.
                _ if !replace && way == Errno::BUSY => Errno::EXIST,
                _ => way,
            });
        }
        (Err(way), to) => return Err(root_fault(way, to)),
    };
    if replace {
        return fs::renameat(&from, from.name, &to, to.name);
    }
    match fs::renameat_with(&from, from.name, &to, to.name, RenameFlags::NOREPLACE) {
        // A directory moved into itself, or else a file system without such a step: a file gives no other EINVAL.
        Err(Errno::INVAL) if !is_directory(&from) => Err(Errno::OPNOTSUPP),
        Err(Errno::NOSYS) => Err(Errno::OPNOTSUPP),
        // That there is nothing to rename is told before what is wrong with the new name.
        Err(errno) => look(&from).and(Err(errno)),
        Ok(()) => Ok(()),
    }
}

pub fn link(resolver: Resolver, existing: Place<'_>, new: Place<'_>) -> Result<(), Errno> {
    let found = (resolver.parent(existing.root, existing.path), resolver.parent(new.root, new.path));
    let (from, to) = match found {
        (Ok(from), Ok(to)) => (from, to),
        (Ok(from), Err(way)) => return look(&from).and(Err(way)),
        (Err(Errno::BUSY), Ok(to)) => return Err(look(&to).map_or_else(not_there(Errno::PERM), |_| Errno::EXIST)),
        (Err(way), to) => return Err(root_fault(way, to)),
    };
    fs::linkat(&from, from.name, &to, to.name, AtFlags::empty())
}

pub fn symlink(resolver: Resolver, target: &[u8], root: BorrowedFd<'_>, path: RelativePath<'_>) -> Result<(), Errno> {
    if target.contains(&0) {
        return Err(Errno::INVAL);
    }
    let parent = resolver.parent(root, path)?;
    fs::symlinkat(OsStr::from_bytes(target), &parent, parent.name)
}

pub fn read_link(resolver: Resolver, root: BorrowedFd<'_>, path: RelativePath<'_>) -> Result<Vec<u8>, Errno> {
    if path.is_directory_itself() {
        return Err(Errno::INVAL);
    }
    let parent = resolver.parent(root, path)?;
    Ok(fs::readlinkat(&parent, parent.name, Vec::new())?.into_bytes())
}

/// The process's umask is 0, so these are the bits that the file gets (under a default ACL, as open(2) has it).
fn creation_mode(permissions: u16, policy: PosixPolicy) -> Result<Mode, Errno> {
    let bits = u32::from(permissions) & 0o7777;
    if bits & 0o6000 != 0 && !policy.allow_setid {
        return Err(Errno::PERM);
    }
    Ok(Mode::from_raw_mode(bits))
}

fn access(flags: OpenFlags) -> OFlags {
    match (flags.contains(OpenFlags::READ), flags.contains(OpenFlags::WRITE)) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        (_, false) => OFlags::RDONLY,
    }
}

fn creation(flags: OpenFlags) -> OFlags {
    let pairs = [
        (OpenFlags::APPEND, OFlags::APPEND),
        (OpenFlags::CREATE, OFlags::CREATE),
        (OpenFlags::TRUNCATE, OFlags::TRUNC),
        (OpenFlags::EXCLUSIVE, OFlags::EXCL),
    ];
    pairs.into_iter().filter(|(ours, _)| flags.contains(*ours)).map(|(_, kernels)| kernels).collect()
}

fn is_directory(place: &Parent<'_>) -> bool {
    look(place).is_ok_and(|file_type| file_type == FileType::Directory)
}

fn look(place: &Parent<'_>) -> Result<FileType, Errno> {
    let stat = fs::statat(place, place.name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

/// The fault of a source that has no parent and name. That it is the root (EBUSY), which nothing moves, the kernel
/// tells after what is wrong with the other way.
fn root_fault(fault: Errno, to: Result<Parent<'_>, Errno>) -> Errno {
    match to {
        Err(way) if fault == Errno::BUSY => way,
        Ok(to) if fault == Errno::BUSY => look(&to).map_or_else(not_there(fault), |_| fault),
        _ => fault,
    }
}

/// `fault`, unless looking for what was not to be there failed otherwise than by finding nothing.
fn not_there(fault: Errno) -> impl FnOnce(Errno) -> Errno {
    move |found| if found == Errno::NOENT { fault } else { found }
}
