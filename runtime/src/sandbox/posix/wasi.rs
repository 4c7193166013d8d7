//! Three of WASI's own calls, put in the place of wasmtime's. Its `open-at` and `set-times-at` would wait for the other
//! end of a FIFO, with the whole process; its `open-at` and `create-directory-at` would make what everybody may write,
//! because they leave permissions to the umask, which is 0 here so that `posix` can be exact.
//!
//! They keep WASI's words otherwise: what would lead out of the directory is `not-permitted`. What they make is its
//! owner's alone; a guest that wants other permissions makes it through `posix`.

use super::errors::wasi_code;
use super::resolve::{Bounds, RelativePath, Resolver};
use crate::sandbox::state::State;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use wasmtime::StoreContextMut;
use wasmtime::component::{Accessor, Linker, Resource, ResourceTable};
use wasmtime_wasi::filesystem::{Descriptor, Dir, File as WasiFile};
use wasmtime_wasi::p2::bindings::filesystem::types as p2;
use wasmtime_wasi::p3::bindings::filesystem::types as p3;
use wasmtime_wasi::{FsPerms, OpenMode};

const P2_TYPES: &str = "wasi:filesystem/types@0.2.12";
const P3_TYPES: &str = "wasi:filesystem/types@0.3.0";

const OPEN_AT: &str = "[method]descriptor.open-at";
const CREATE_DIRECTORY_AT: &str = "[method]descriptor.create-directory-at";
const SET_TIMES_AT: &str = "[method]descriptor.set-times-at";

const NEW_FILE: Mode = Mode::from_raw_mode(0o600);
const NEW_DIRECTORY: Mode = Mode::from_raw_mode(0o700);

/// What the flags of an `open-at` say, in either version of WASI.
#[derive(Clone, Copy)]
struct Opening {
    follow: bool,
    create: bool,
    directory: bool,
    exclusive: bool,
    truncate: bool,
    read: bool,
    write: bool,
    synchronised: bool,
}

macro_rules! opening {
    ($types:ident, $path_flags:ident, $open_flags:ident, $flags:ident) => {
        Opening {
            follow: $path_flags.contains($types::PathFlags::SYMLINK_FOLLOW),
            create: $open_flags.contains($types::OpenFlags::CREATE),
            directory: $open_flags.contains($types::OpenFlags::DIRECTORY),
            exclusive: $open_flags.contains($types::OpenFlags::EXCLUSIVE),
            truncate: $open_flags.contains($types::OpenFlags::TRUNCATE),
            read: $flags.contains($types::DescriptorFlags::READ),
            write: $flags.contains($types::DescriptorFlags::WRITE),
            synchronised: $flags.contains($types::DescriptorFlags::FILE_INTEGRITY_SYNC)
                || $flags.contains($types::DescriptorFlags::DATA_INTEGRITY_SYNC)
                || $flags.contains($types::DescriptorFlags::REQUESTED_WRITE_SYNC),
        }
    };
}

macro_rules! time {
    ($types:ident, $time:ident) => {
        match $time {
            $types::NewTimestamp::NoChange => Ok(Timespec { tv_sec: 0, tv_nsec: fs::UTIME_OMIT }),
            $types::NewTimestamp::Now => Ok(Timespec { tv_sec: 0, tv_nsec: fs::UTIME_NOW }),
            $types::NewTimestamp::Timestamp(time) => match i64::try_from(time.seconds) {
                Ok(tv_sec) if time.nanoseconds < 1_000_000_000 => {
                    Ok(Timespec { tv_sec, tv_nsec: time.nanoseconds.into() })
                }
                _ => Err(Errno::OVERFLOW),
            },
        }
    };
}

type OpenAt<P, O, F> = (Resource<Descriptor>, P, String, O, F);
type SetTimesAt<P, T> = (Resource<Descriptor>, P, String, T, T);
type OnPath = (Resource<Descriptor>, String);

/// Takes the place of the three calls in WASI 0.2, which must be linked.
pub fn replace_p2(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(P2_TYPES)?;
    types.func_wrap(
        OPEN_AT,
        |mut store: StoreContextMut<'_, State>,
         (directory, path_flags, path, open_flags, flags): OpenAt<
            p2::PathFlags,
            p2::OpenFlags,
            p2::DescriptorFlags,
        >| {
            let how = opening!(p2, path_flags, open_flags, flags);
            let opened = open_into(&mut store.data_mut().table, &directory, &path, how)?;
            Ok((opened.map_err(wasi_code),))
        },
    )?;
    types.func_wrap(CREATE_DIRECTORY_AT, |store: StoreContextMut<'_, State>, (directory, path): OnPath| {
        let made = on_directory(&store.data().table, &directory, |directory| create_directory(directory, &path))?;
        Ok((made.map_err(wasi_code),))
    })?;
    types.func_wrap(
        SET_TIMES_AT,
        |store: StoreContextMut<'_, State>,
         (directory, path_flags, path, accessed, modified): SetTimesAt<p2::PathFlags, p2::NewTimestamp>| {
            let follow = path_flags.contains(p2::PathFlags::SYMLINK_FOLLOW);
            let (accessed, modified) = (time!(p2, accessed), time!(p2, modified));
            let set = on_directory(&store.data().table, &directory, |directory| {
                set_times(directory, &path, follow, accessed?, modified?)
            })?;
            Ok((set.map_err(wasi_code),))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The same in WASI 0.3.
pub fn replace_p3(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(P3_TYPES)?;
    types.func_wrap_concurrent(
        OPEN_AT,
        |accessor: &Accessor<State>,
         (directory, path_flags, path, open_flags, flags): OpenAt<
            p3::PathFlags,
            p3::OpenFlags,
            p3::DescriptorFlags,
        >| {
            let how = opening!(p3, path_flags, open_flags, flags);
            let opened = accessor.with(|mut access| open_into(&mut access.data_mut().table, &directory, &path, how));
            Box::pin(async move { Ok((opened?.map_err(p3_code),)) })
        },
    )?;
    types.func_wrap_concurrent(CREATE_DIRECTORY_AT, |accessor: &Accessor<State>, (directory, path): OnPath| {
        let made = accessor.with(|mut access| {
            on_directory(&access.data_mut().table, &directory, |directory| create_directory(directory, &path))
        });
        Box::pin(async move { Ok((made?.map_err(p3_code),)) })
    })?;
    types.func_wrap_concurrent(
        SET_TIMES_AT,
        |accessor: &Accessor<State>,
         (directory, path_flags, path, accessed, modified): SetTimesAt<p3::PathFlags, p3::NewTimestamp>| {
            let follow = path_flags.contains(p3::PathFlags::SYMLINK_FOLLOW);
            let (accessed, modified) = (time!(p3, accessed), time!(p3, modified));
            let set = accessor.with(|mut access| {
                on_directory(&access.data_mut().table, &directory, |directory| {
                    set_times(directory, &path, follow, accessed?, modified?)
                })
            });
            Box::pin(async move { Ok((set?.map_err(p3_code),)) })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn p3_code(errno: Errno) -> p3::ErrorCode {
    io::Error::from(errno).into()
}

type Outcome<T> = wasmtime::Result<Result<T, Errno>>;

fn on_directory<T>(
    table: &ResourceTable,
    directory: &Resource<Descriptor>,
    operation: impl FnOnce(&Dir) -> Result<T, Errno>,
) -> Outcome<T> {
    match table.get(directory)? {
        Descriptor::Dir(directory) => Ok(operation(directory)),
        Descriptor::File(_) => Ok(Err(Errno::NOTDIR)),
    }
}

fn open_into(
    table: &mut ResourceTable,
    directory: &Resource<Descriptor>,
    path: &str,
    how: Opening,
) -> Outcome<Resource<Descriptor>> {
    match on_directory(table, directory, |directory| open(directory, path, how))? {
        Ok(descriptor) => Ok(Ok(table.push(descriptor)?)),
        Err(errno) => Ok(Err(errno)),
    }
}

fn open(directory: &Dir, path: &str, how: Opening) -> Result<Descriptor, Errno> {
    let path = relative(path)?;
    let mode = open_mode(how)?;
    if mode.contains(OpenMode::WRITE) {
        check_writable(directory)?;
    }
    let new = if how.create { NEW_FILE } else { Mode::empty() };
    let file = File::from(within(directory, path, flags(how, mode), new)?);
    match FileType::from_raw_mode(fs::fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(Descriptor::File(WasiFile::new(file, directory.perms, mode, true))),
        FileType::Directory => Ok(Descriptor::Dir(Dir::new(file, directory.perms, mode, true))),
        _ => Err(Errno::INVAL),
    }
}

/// Creating and truncating are writing, and what is not written is read.
fn open_mode(how: Opening) -> Result<OpenMode, Errno> {
    if how.synchronised {
        return Err(Errno::OPNOTSUPP);
    }
    if how.directory && (how.create || how.exclusive || how.truncate) {
        return Err(Errno::INVAL);
    }
    let write = if how.create || how.truncate || how.write { OpenMode::WRITE } else { OpenMode::empty() };
    let read = if how.read || !how.write { OpenMode::READ } else { OpenMode::empty() };
    Ok(read | write)
}

/// O_NONBLOCK, so that a FIFO's other end is not waited for; it means nothing for the two kinds that are accepted.
fn flags(how: Opening, mode: OpenMode) -> OFlags {
    let access = match (mode.contains(OpenMode::READ), mode.contains(OpenMode::WRITE)) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        (_, false) => OFlags::RDONLY,
    };
    let further = [
        (how.create, OFlags::CREATE),
        (how.directory, OFlags::DIRECTORY),
        (how.exclusive, OFlags::EXCL),
        (how.truncate, OFlags::TRUNC),
        (!how.follow, OFlags::NOFOLLOW),
    ];
    let chosen: OFlags = further.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, flag)| flag).collect();
    access | chosen | OFlags::NONBLOCK | OFlags::NOCTTY
}

fn create_directory(directory: &Dir, path: &str) -> Result<(), Errno> {
    let path = relative(path.trim_end_matches('/'))?;
    check_writable(directory)?;
    if path.is_directory_itself() {
        return Err(Errno::EXIST);
    }
    let parent = Resolver::of_this_kernel().parent_within(directory.dir.as_fd(), path, Bounds::Beneath)?;
    fs::mkdirat(&parent, parent.name, NEW_DIRECTORY)
}

fn set_times(
    directory: &Dir,
    path: &str,
    follow: bool,
    last_access: Timespec,
    last_modification: Timespec,
) -> Result<(), Errno> {
    let path = relative(path)?;
    check_writable(directory)?;
    let nofollow = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let file = within(directory, path, OFlags::PATH | nofollow, Mode::empty())?;
    fs::utimensat(&file, "", &Timestamps { last_access, last_modification }, AtFlags::EMPTY_PATH)
}

fn within(directory: &Dir, path: RelativePath<'_>, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    Resolver::of_this_kernel().open_within(directory.dir.as_fd(), path, flags, mode, Bounds::Beneath)
}

fn relative(path: &str) -> Result<RelativePath<'_>, Errno> {
    if path.starts_with('/') { Err(Errno::PERM) } else { RelativePath::new(path.as_bytes()) }
}

fn check_writable(directory: &Dir) -> Result<(), Errno> {
    if directory.perms == FsPerms::ReadWrite { Ok(()) } else { Err(Errno::PERM) }
}
