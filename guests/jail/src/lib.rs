//! A virtual chroot: `/` is the one directory that was granted, and everything is done by the host's `posix` beneath it,
//! which is asked with the client's own paths and attributes.
//!
//! Setting: `native`, `yes` or `no`: whether the host is handed the open files, to move their bytes by itself (`yes`
//! unless set).

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod bytes;
mod settings;

use strongroom_bare as _;

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use settings::Settings;
use strongroom_bindings::Slot;
use strongroom_bindings::copying;
use strongroom_bindings::native::NativeFile;
use strongroom_bindings::posix::{self, Access, Listing};
use strongroom_bindings::storage::{
    Connected, Directory, File, FileBorrow, Guest, GuestDirectory, GuestFile, GuestSession, Opened, Session,
};
use strongroom_bindings::types::{
    AttributeChanges, Attributes, Client, DirectoryEntry, Ending, Error, ErrorCode, Features, OpenFlags, Usage,
};
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorType, ErrorCode as System};

/// The most that OpenSSH's clients ask for at once.
const TRANSFER_SIZE: u32 = 261_120;
/// The most bytes that one call copies: it is to return soon where the kernel moves them one by one.
const COPY_MAX: u64 = 256 << 20;

struct Jail;

struct JailSession {
    root: Slot<Descriptor>,
    /// Whether open files are handed to the host.
    native: bool,
}

struct JailFile {
    descriptor: Slot<Descriptor>,
    flags: OpenFlags,
}

struct JailDirectory {
    listing: Slot<Listing>,
}

strongroom_bindings::export!(Jail);

impl Guest for Jail {
    type Session = JailSession;
    type File = JailFile;
    type Directory = JailDirectory;

    async fn connect(_client: Client, settings: Vec<(String, String)>) -> Result<Connected, Error> {
        let settings = Settings::parse(settings)?;
        let root = Slot::new(only_directory(get_directories())?);
        Ok(Connected {
            session: Session::new(JailSession { root, native: settings.native }),
            features: Features::all().difference(Features::EXTENDED_ATTRIBUTES | Features::ATOMIC_UPLOAD),
            home: "/".to_string(),
            transfer_size: TRANSFER_SIZE,
            notes: vec![],
        })
    }
}

/// A jail is one directory: which of several would be '/' is not for it to guess.
fn only_directory<T>(granted: Vec<(T, String)>) -> Result<T, Error> {
    let count = granted.len();
    match <[_; 1]>::try_from(granted) {
        Ok([(directory, _)]) => Ok(directory),
        Err(_) => {
            let detail = format!("the jail serves exactly one directory and {count} are granted: give one --dir");
            Err(Error::new(ErrorCode::InvalidArgument).with_detail(&detail))
        }
    }
}

impl GuestSession for JailSession {
    async fn open(&self, path: String, flags: OpenFlags, permissions: u16) -> Result<Opened, Error> {
        let descriptor = posix::open_at(&*self.root.get()?, beneath(&path), flags, permissions).await?;
        let native = if self.native { share(&descriptor, flags) } else { None };
        // Only a regular file can be shared, so that a directory is looked for where there was no sharing.
        if native.is_none() && descriptor.get_type()? == DescriptorType::Directory {
            return Err(ErrorCode::IsADirectory.into());
        }
        let file = File::new(JailFile { descriptor: Slot::new(descriptor), flags });
        Ok(Opened { file, native })
    }

    async fn open_directory(&self, path: String) -> Result<Directory, Error> {
        let listing = posix::open_listing(&*self.root.get()?, beneath(&path)).await?;
        Ok(Directory::new(JailDirectory { listing: Slot::new(listing) }))
    }

    async fn stat(&self, path: String, follow: bool) -> Result<Attributes, Error> {
        Ok(posix::stat_at(&*self.root.get()?, beneath(&path), follow).await?)
    }

    async fn set_stat(&self, path: String, follow: bool, changes: AttributeChanges) -> Result<(), Error> {
        Ok(posix::set_stat_at(&*self.root.get()?, beneath(&path), follow, changes).await?)
    }

    async fn real_path(&self, path: String) -> Result<String, Error> {
        Ok(posix::real_path_at(&*self.root.get()?, beneath(&path)).await?)
    }

    async fn make_directory(&self, path: String, permissions: u16) -> Result<(), Error> {
        Ok(posix::make_directory_at(&*self.root.get()?, beneath(&path), permissions).await?)
    }

    async fn remove_directory(&self, path: String) -> Result<(), Error> {
        Ok(posix::remove_directory_at(&*self.root.get()?, beneath(&path)).await?)
    }

    async fn remove(&self, path: String) -> Result<(), Error> {
        Ok(posix::remove_at(&*self.root.get()?, beneath(&path)).await?)
    }

    async fn rename(&self, source: String, destination: String, replace: bool) -> Result<(), Error> {
        let root = self.root.get()?;
        Ok(posix::rename_at(&root, beneath(&source), &root, beneath(&destination), replace).await?)
    }

    async fn read_link(&self, path: String) -> Result<String, Error> {
        Ok(posix::read_link_at(&*self.root.get()?, beneath(&path)).await?)
    }

    async fn symlink(&self, target: String, path: String) -> Result<(), Error> {
        Ok(posix::symlink_at(target, &*self.root.get()?, beneath(&path)).await?)
    }

    async fn hard_link(&self, existing: String, path: String) -> Result<(), Error> {
        let root = self.root.get()?;
        Ok(posix::link_at(&root, beneath(&existing), &root, beneath(&path)).await?)
    }

    async fn usage(&self, path: String) -> Result<Usage, Error> {
        Ok(posix::usage_at(&*self.root.get()?, beneath(&path)).await?)
    }

    async fn close(&self) -> Result<(), Error> {
        self.root.close()
    }
}

/// A path of the contract as `posix` takes it: the part beneath the root.
fn beneath(path: &str) -> String {
    match path.strip_prefix('/') {
        Some("") | None => ".".to_string(),
        Some(path) => path.to_string(),
    }
}

/// The open file for the host, with the access that the client asked for; `None` where the host gives none.
fn share(descriptor: &Descriptor, flags: OpenFlags) -> Option<NativeFile> {
    let mut access = Access::empty();
    access.set(Access::READ, flags.contains(OpenFlags::READ));
    access.set(Access::WRITE, flags.contains(OpenFlags::WRITE));
    posix::share(descriptor, access).ok()
}

impl GuestFile for JailFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        Ok(bytes::read(&*self.descriptor.get()?, offset, length.into())?)
    }

    async fn write(&self, offset: u64, data: Vec<u8>) -> Result<(), Error> {
        bytes::write(&*self.descriptor.get()?, self.write_offset(offset), &data)
    }

    async fn stat(&self) -> Result<Attributes, Error> {
        Ok(posix::stat(&*self.descriptor.get()?).await?)
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<(), Error> {
        Ok(posix::set_stat(&*self.descriptor.get()?, changes).await?)
    }

    async fn usage(&self) -> Result<Usage, Error> {
        Ok(posix::usage_of(&*self.descriptor.get()?).await?)
    }

    async fn sync(&self) -> Result<(), Error> {
        Ok(self.descriptor.get()?.sync()?)
    }

    /// However it ends, a jail keeps what it has, so that a client can resume.
    async fn close(&self, _ending: Ending) -> Result<(), Error> {
        self.descriptor.close()
    }
}

impl JailFile {
    fn appends(&self) -> bool {
        self.flags.contains(OpenFlags::APPEND)
    }

    /// A descriptor that appends ignores the offset, which then must not fail the write by its size either.
    fn write_offset(&self, offset: u64) -> u64 {
        if self.appends() { 0 } else { offset }
    }
}

impl GuestDirectory for JailDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>, Error> {
        Ok(self.listing.get()?.read(max).await?)
    }

    async fn close(&self) {
        // The contract has no error here: the second time there is nothing left to close.
        let _ = self.listing.close();
    }
}

impl copying::Guest for Jail {
    async fn copy_range(
        source: FileBorrow<'_>,
        source_offset: u64,
        length: Option<u64>,
        destination: FileBorrow<'_>,
        destination_offset: u64,
    ) -> Result<u64, Error> {
        let (from, to): (&JailFile, &JailFile) = (source.get(), destination.get());
        let (from, to, appends, destination_offset) =
            (from.descriptor.get()?, to.descriptor.get()?, to.appends(), to.write_offset(destination_offset));
        let length = length.unwrap_or(u64::MAX);
        // The kernel refuses to copy to a file that appends.
        if appends {
            return bytes::copy(&from, source_offset, length, &to, destination_offset);
        }
        match copy_in_kernel(&from, source_offset, length, &to, destination_offset).await {
            Err(System::Unsupported | System::CrossDevice) => {
                bytes::copy(&from, source_offset, length, &to, destination_offset)
            }
            copied => Ok(copied?),
        }
    }
}

/// The kernel refuses ranges that end past the largest offset, also where the source ends long before.
async fn copy_in_kernel(
    source: &Rc<Descriptor>,
    source_offset: u64,
    length: u64,
    destination: &Rc<Descriptor>,
    destination_offset: u64,
) -> Result<u64, System> {
    let Some(room) = bytes::OFFSET_MAX.checked_sub(source_offset) else { return Ok(0) };
    let Some(destination_room) = bytes::OFFSET_MAX.checked_sub(destination_offset) else {
        return Err(System::FileTooLarge);
    };
    let length = length.min(COPY_MAX).min(room).min(destination_room);
    posix::copy_range(source, source_offset, length, destination, destination_offset).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lie_beneath_the_root() {
        assert_eq!(beneath("/"), ".");
        assert_eq!(beneath("/a"), "a");
        assert_eq!(beneath("/a/b c/\u{EFE9}"), "a/b c/\u{EFE9}");
    }

    #[test]
    fn one_directory_and_no_other_number() {
        let granted = |count: usize| vec![(7, "/".to_string()); count];
        assert_eq!(only_directory(granted(1)).unwrap(), 7);
        for count in [0, 2, 3] {
            let error = only_directory(granted(count)).unwrap_err();
            assert_eq!((error.code, error.message.as_str()), (ErrorCode::InvalidArgument, ""));
            assert!(error.detail.unwrap().contains("--dir"));
        }
    }
}
