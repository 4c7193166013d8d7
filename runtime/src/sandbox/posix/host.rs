//! The contract's `native` and `posix-at-once`, joined to the functions that do it. What a guest may reach is decided here by
//! the descriptor that it holds: nothing is found but beneath it, and nothing changes beneath a read-only grant.

use super::errors::wasi_code;
use super::listing::Listing;
use super::paths::{self, Opened, Place};
use super::resolve::{RelativePath, Resolver};
use super::{PosixPolicy, attributes};
use crate::sandbox::NativeFile;
use crate::sandbox::bindings::{native, posix_at_once, types};
use crate::sandbox::state::State;
use crate::storage::{escape, unescape};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File as WasiFile};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::{FsPerms, OpenMode};

type Outcome<T> = wasmtime::Result<Result<T, ErrorCode>>;

impl native::Host for State {}

impl native::HostNativeFile for State {
    fn drop(&mut self, file: Resource<NativeFile>) -> wasmtime::Result<()> {
        self.table.delete(file)?;
        Ok(())
    }
}

impl types::Host for State {}

impl posix_at_once::HostListing for State {
    fn read(&mut self, listing: Resource<Listing>, max: u32) -> Outcome<Vec<types::DirectoryEntry>> {
        Ok(self.table.get_mut(&listing)?.read(max).map_err(wasi_code))
    }

    fn drop(&mut self, listing: Resource<Listing>) -> wasmtime::Result<()> {
        self.table.delete(listing)?;
        Ok(())
    }
}

impl posix_at_once::Host for State {
    fn share(&mut self, file: Resource<Descriptor>, access: posix_at_once::Access) -> Outcome<Resource<NativeFile>> {
        let (read, write) = (posix_at_once::Access::READ, posix_at_once::Access::WRITE);
        share(self, &file, access.contains(read), access.contains(write))
    }

    fn open_file_at(
        &mut self,
        directory: Resource<Descriptor>,
        path: String,
        flags: types::OpenFlags,
        permissions: u16,
        shared: bool,
    ) -> Outcome<posix_at_once::OpenedFile> {
        let file = match open(self, &directory, &path, flags, permissions)? {
            Ok(Descriptor::File(file)) => file,
            Ok(Descriptor::Dir(_)) => return Ok(Err(ErrorCode::IsDirectory)),
            Err(code) => return Ok(Err(code)),
        };
        let opened = file.clone();
        let file = self.table.push(Descriptor::File(file))?;
        if !shared {
            return Ok(Ok(posix_at_once::OpenedFile { file, native: None }));
        }
        let (read, write) = (types::OpenFlags::READ, types::OpenFlags::WRITE);
        // What `open` gives as a file is a regular one.
        match native_file(&opened, file.rep(), flags.contains(read), flags.contains(write)) {
            Ok(native) => Ok(Ok(posix_at_once::OpenedFile { file, native: Some(self.table.push(native)?) })),
            Err(errno) => {
                self.table.delete(file)?;
                Ok(Err(wasi_code(errno)))
            }
        }
    }

    fn open_at(
        &mut self,
        directory: Resource<Descriptor>,
        path: String,
        flags: types::OpenFlags,
        permissions: u16,
    ) -> Outcome<Resource<Descriptor>> {
        match open(self, &directory, &path, flags, permissions)? {
            Ok(descriptor) => Ok(Ok(self.table.push(descriptor)?)),
            Err(code) => Ok(Err(code)),
        }
    }

    fn make_directory_at(&mut self, directory: Resource<Descriptor>, path: String, permissions: u16) -> Outcome<()> {
        change(self, &directory, &path, |context, path| {
            paths::make_directory(context.resolver, context.root(), path, permissions, context.policy)
        })
    }

    fn remove_directory_at(&mut self, directory: Resource<Descriptor>, path: String) -> Outcome<()> {
        change(self, &directory, &path, |context, path| paths::remove_directory(context.resolver, context.root(), path))
    }

    fn remove_at(&mut self, directory: Resource<Descriptor>, path: String) -> Outcome<()> {
        change(self, &directory, &path, |context, path| paths::remove(context.resolver, context.root(), path))
    }

    fn rename_at(
        &mut self,
        directory: Resource<Descriptor>,
        path: String,
        new_directory: Resource<Descriptor>,
        new_path: String,
        replace: bool,
    ) -> Outcome<()> {
        two_places(self, (&directory, &path), (&new_directory, &new_path), |resolver, from, to| {
            paths::rename(resolver, from, to, replace)
        })
    }

    fn link_at(
        &mut self,
        directory: Resource<Descriptor>,
        path: String,
        new_directory: Resource<Descriptor>,
        new_path: String,
    ) -> Outcome<()> {
        two_places(self, (&directory, &path), (&new_directory, &new_path), paths::link)
    }

    fn symlink_at(&mut self, target: String, directory: Resource<Descriptor>, path: String) -> Outcome<()> {
        change(self, &directory, &path, |context, path| {
            paths::symlink(context.resolver, &unescape(&target), context.root(), path)
        })
    }

    fn read_link_at(&mut self, directory: Resource<Descriptor>, path: String) -> Outcome<String> {
        look(self, &directory, &path, |context, path| {
            let target = paths::read_link(context.resolver, context.root(), path)?;
            Ok(escape(&target).into_owned())
        })
    }

    fn real_path_at(&mut self, directory: Resource<Descriptor>, path: String) -> Outcome<String> {
        look(self, &directory, &path, |context, path| {
            let real = context.resolver.real_path(context.root(), path)?;
            Ok(format!("/{}", escape(&real)))
        })
    }

    fn stat_at(&mut self, directory: Resource<Descriptor>, path: String, follow: bool) -> Outcome<types::Attributes> {
        look(self, &directory, &path, |context, path| {
            attributes::stat_at(context.resolver, context.root(), path, follow)
        })
    }

    fn set_stat_at(
        &mut self,
        directory: Resource<Descriptor>,
        path: String,
        follow: bool,
        changes: types::AttributeChanges,
    ) -> Outcome<()> {
        let set = |context: &Context<'_>, path: RelativePath<'_>| {
            attributes::set_stat_at(context.resolver, context.root(), path, follow, &changes, context.policy)
        };
        if attributes::is_nothing(&changes) {
            return look(self, &directory, &path, set);
        }
        change(self, &directory, &path, set)
    }

    fn usage_at(&mut self, directory: Resource<Descriptor>, path: String) -> Outcome<types::Usage> {
        look(self, &directory, &path, |context, path| attributes::usage_at(context.resolver, context.root(), path))
    }

    fn stat(&mut self, file: Resource<Descriptor>) -> Outcome<types::Attributes> {
        Ok(attributes::stat(descriptor_fd(self.table.get(&file)?)).map_err(wasi_code))
    }

    fn set_stat(&mut self, file: Resource<Descriptor>, changes: types::AttributeChanges) -> Outcome<()> {
        let descriptor = self.table.get(&file)?;
        if perms(descriptor).write_not_permitted() && !attributes::is_nothing(&changes) {
            return Ok(Err(ErrorCode::ReadOnly));
        }
        let writable = matches!(descriptor, Descriptor::File(file) if file.open_mode.contains(OpenMode::WRITE));
        let changed = attributes::set_stat(descriptor_fd(descriptor), writable, &changes, self.posix);
        Ok(changed.map_err(wasi_code))
    }

    fn usage_of(&mut self, file: Resource<Descriptor>) -> Outcome<types::Usage> {
        Ok(attributes::usage(descriptor_fd(self.table.get(&file)?)).map_err(wasi_code))
    }

    fn open_listing(&mut self, directory: Resource<Descriptor>, path: String) -> Outcome<Resource<Listing>> {
        let opened =
            look(self, &directory, &path, |context, path| Listing::open(context.resolver, context.root(), path))?;
        match opened {
            Ok(listing) => Ok(Ok(self.table.push(listing)?)),
            Err(code) => Ok(Err(code)),
        }
    }

    fn copy_range(
        &mut self,
        source: Resource<Descriptor>,
        source_offset: u64,
        length: u64,
        destination: Resource<Descriptor>,
        destination_offset: u64,
    ) -> Outcome<u64> {
        let files = (self.table.get(&source)?, self.table.get(&destination)?);
        let (Descriptor::File(source), Descriptor::File(destination)) = files else {
            return Ok(Err(ErrorCode::BadDescriptor));
        };
        let copied = copy_range(source, source_offset, length, destination, destination_offset);
        Ok(copied.map_err(wasi_code))
    }
}

/// A directory of the guest's, and what was granted with it.
struct Context<'a> {
    directory: &'a Dir,
    policy: PosixPolicy,
    resolver: Resolver,
}

impl Context<'_> {
    fn root(&self) -> BorrowedFd<'_> {
        self.directory.dir.as_fd()
    }

    fn check_writable(&self) -> Result<(), Errno> {
        if self.directory.perms.write_not_permitted() { Err(Errno::ROFS) } else { Ok(()) }
    }
}

fn on_directory<R>(
    state: &State,
    directory: &Resource<Descriptor>,
    operation: impl FnOnce(Context<'_>) -> Result<R, Errno>,
) -> Outcome<R> {
    let Descriptor::Dir(directory) = state.table.get(directory)? else { return Ok(Err(ErrorCode::NotDirectory)) };
    let context = Context { directory, policy: state.posix, resolver: Resolver::of_this_kernel() };
    Ok(operation(context).map_err(wasi_code))
}

/// An operation on one path that changes nothing.
fn look<R>(
    state: &State,
    directory: &Resource<Descriptor>,
    path: &str,
    operation: impl FnOnce(&Context<'_>, RelativePath<'_>) -> Result<R, Errno>,
) -> Outcome<R> {
    on_directory(state, directory, |context| {
        let path = unescape(path);
        operation(&context, RelativePath::new(&path)?)
    })
}

/// An operation on one path that may change something.
fn change<R>(
    state: &State,
    directory: &Resource<Descriptor>,
    path: &str,
    operation: impl FnOnce(&Context<'_>, RelativePath<'_>) -> Result<R, Errno>,
) -> Outcome<R> {
    look(state, directory, path, |context, path| {
        context.check_writable()?;
        operation(context, path)
    })
}

/// An operation that changes a name in two directories: both must be granted for writing.
fn two_places(
    state: &State,
    (directory, path): (&Resource<Descriptor>, &str),
    (new_directory, new_path): (&Resource<Descriptor>, &str),
    operation: impl FnOnce(Resolver, Place<'_>, Place<'_>) -> Result<(), Errno>,
) -> Outcome<()> {
    on_directory(state, directory, |from| {
        from.check_writable()?;
        let Ok(Descriptor::Dir(to)) = state.table.get(new_directory) else { return Err(Errno::NOTDIR) };
        if to.perms.write_not_permitted() {
            return Err(Errno::ROFS);
        }
        let (path, new_path) = (unescape(path), unescape(new_path));
        let source = Place { root: from.root(), path: RelativePath::new(&path)? };
        let destination = Place { root: to.dir.as_fd(), path: RelativePath::new(&new_path)? };
        operation(from.resolver, source, destination)
    })
}

fn open(
    state: &State,
    directory: &Resource<Descriptor>,
    path: &str,
    flags: types::OpenFlags,
    permissions: u16,
) -> Outcome<Descriptor> {
    on_directory(state, directory, |context| {
        if flags.intersects(types::OpenFlags::WRITE | types::OpenFlags::CREATE | types::OpenFlags::TRUNCATE) {
            context.check_writable()?;
        }
        let path = unescape(path);
        let path = RelativePath::new(&path)?;
        let opened = paths::open(context.resolver, context.root(), path, flags, permissions, context.policy)?;
        Ok(descriptor(opened, context.directory.perms, flags))
    })
}

fn descriptor(opened: Opened, perms: FsPerms, flags: types::OpenFlags) -> Descriptor {
    match opened {
        Opened::File(file) => Descriptor::File(WasiFile::new(file, perms, open_mode(flags), true)),
        Opened::Directory(directory) => {
            let mode = if perms.write_not_permitted() { OpenMode::READ } else { OpenMode::READ | OpenMode::WRITE };
            Descriptor::Dir(Dir::new(directory, perms, mode, true))
        }
    }
}

fn open_mode(flags: types::OpenFlags) -> OpenMode {
    let write = if flags.contains(types::OpenFlags::WRITE) { OpenMode::WRITE } else { OpenMode::empty() };
    let reads = flags.contains(types::OpenFlags::READ) || write.is_empty();
    if reads { write | OpenMode::READ } else { write }
}

/// The same open file for the host, `readable` and `writable` as far as the guest's descriptor is.
pub(super) fn share(
    state: &mut State,
    file: &Resource<Descriptor>,
    readable: bool,
    writable: bool,
) -> Outcome<Resource<NativeFile>> {
    let shared = match state.table.get(file)? {
        Descriptor::File(shared) => match is_regular(&shared.file) {
            Ok(true) => native_file(shared, file.rep(), readable, writable),
            Ok(false) => Err(Errno::INVAL),
            Err(errno) => Err(errno),
        },
        Descriptor::Dir(_) => Err(Errno::INVAL),
    };
    match shared {
        Ok(native) => Ok(Ok(state.table.push(native)?)),
        Err(errno) => Ok(Err(wasi_code(errno))),
    }
}

/// A regular file with no more rights than the descriptor `file` has.
fn native_file(file: &WasiFile, descriptor: u32, readable: bool, writable: bool) -> Result<NativeFile, Errno> {
    let mode = file.open_mode;
    if readable && !mode.contains(OpenMode::READ) || writable && !mode.contains(OpenMode::WRITE) {
        return Err(Errno::BADF);
    }
    if writable && file.perms.write_not_permitted() {
        return Err(Errno::BADF);
    }
    Ok(NativeFile { file: Arc::clone(&file.file), readable, writable, append: false, descriptor })
}

fn is_regular(file: &File) -> Result<bool, Errno> {
    let stat = rustix::fs::fstat(file)?;
    Ok(rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile)
}

fn copy_range(
    source: &WasiFile,
    source_offset: u64,
    length: u64,
    destination: &WasiFile,
    destination_offset: u64,
) -> Result<u64, Errno> {
    if !source.open_mode.contains(OpenMode::READ)
        || !destination.open_mode.contains(OpenMode::WRITE)
        || destination.perms.write_not_permitted()
    {
        return Err(Errno::BADF);
    }
    // The kernel refuses a descriptor that appends with EBADF, which here means the access.
    if rustix::fs::fcntl_getfl(&*destination.file)?.contains(OFlags::APPEND) {
        return Err(Errno::OPNOTSUPP);
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_COPY_BYTES);
    let (mut from, mut to) = (source_offset, destination_offset);
    let copied =
        rustix::fs::copy_file_range(&*source.file, Some(&mut from), &*destination.file, Some(&mut to), length)?;
    Ok(copied as u64)
}

/// One call copies no more, so that it returns in time; the guest asks again.
const MAX_COPY_BYTES: usize = 64 << 20;

fn perms(descriptor: &Descriptor) -> FsPerms {
    match descriptor {
        Descriptor::File(file) => file.perms,
        Descriptor::Dir(directory) => directory.perms,
    }
}

fn descriptor_fd(descriptor: &Descriptor) -> BorrowedFd<'_> {
    match descriptor {
        Descriptor::File(file) => file.file.as_fd(),
        Descriptor::Dir(directory) => directory.dir.as_fd(),
    }
}
