//! A virtual chroot: `/` is the one directory that was granted, and everything is done by the host's `posix` beneath it,
//! which is asked with the client's own paths and attributes.
//!
//! Setting: `native`, `yes` or `no`: whether the host is handed the open files, to move their bytes by itself (`yes`
//! unless set).

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod bytes;

use strongroom_bare as _;

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use strongroom_guest::filesystem::preopens::get_directories;
use strongroom_guest::filesystem::types::{Descriptor, ErrorCode as System};
use strongroom_guest::posix::{self, Listing};
use strongroom_guest::{
    AttributeChanges, Attributes, Client, Connected, Directory, DirectoryEntry, Error, Features, File, NativeFile,
    OpenFlags, Result, Session, Settings, Storage, Usage, copy_by_reading,
};

/// The most that OpenSSH's clients ask for at once.
const TRANSFER_SIZE: u32 = 261_120;
/// The most bytes that one call copies: it is to return soon where the kernel moves them one by one.
const COPY_MAX: u64 = 256 << 20;

struct Jail;

struct JailSession {
    root: Descriptor,
    /// Whether open files are handed to the host.
    native: bool,
}

struct JailFile {
    descriptor: Descriptor,
    flags: OpenFlags,
    /// The same open file for the host, until it asks.
    native: Cell<Option<NativeFile>>,
}

struct JailDirectory(Listing);

strongroom_guest::export!(Jail, never waits);

strongroom_guest::wants! {
    "jail": "One directory of the host, as a virtual chroot";
    directory "/" rw required: "What is served; grant it read-only to refuse changes";
    setting "native" = "yes": "Whether the host moves the bytes of open files by itself: yes or no";
}

impl Storage for Jail {
    type Session = JailSession;

    async fn connect(_client: Client, settings: &mut Settings) -> Result<Connected<JailSession>> {
        let native = settings.take_switch("native")?.unwrap_or(true);
        let root = only_directory(get_directories())?;
        let features = Features::all().difference(Features::EXTENDED_ATTRIBUTES | Features::ATOMIC_UPLOAD);
        let connected = Connected::new(JailSession { root, native });
        Ok(connected.with_features(features).with_transfer_size(TRANSFER_SIZE).closed_by_drop())
    }
}

/// A jail is one directory: which of several would be '/' is not for it to guess.
fn only_directory<T>(granted: Vec<(T, String)>) -> Result<T> {
    let count = granted.len();
    match <[_; 1]>::try_from(granted) {
        Ok([(directory, _)]) => Ok(directory),
        Err(_) => Err(Error::misconfigured(format_args!(
            "the jail serves exactly one directory and {count} are granted: give one --dir"
        ))),
    }
}

impl Session for JailSession {
    type File = JailFile;
    type Directory = JailDirectory;

    async fn open(&self, path: &str, flags: OpenFlags, permissions: u16) -> Result<JailFile> {
        let opened = posix::open_file_at(&self.root, beneath(path), flags, permissions, self.native)?;
        Ok(JailFile { descriptor: opened.file, flags, native: Cell::new(opened.native) })
    }

    async fn open_directory(&self, path: &str) -> Result<JailDirectory> {
        Ok(JailDirectory(posix::open_listing(&self.root, beneath(path))?))
    }

    async fn stat(&self, path: &str, follow: bool) -> Result<Attributes> {
        Ok(posix::stat_at(&self.root, beneath(path), follow)?)
    }

    async fn set_stat(&self, path: &str, follow: bool, changes: AttributeChanges) -> Result<()> {
        Ok(posix::set_stat_at(&self.root, beneath(path), follow, &changes)?)
    }

    async fn real_path(&self, path: &str) -> Result<String> {
        Ok(posix::real_path_at(&self.root, beneath(path))?)
    }

    async fn make_directory(&self, path: &str, permissions: u16) -> Result<()> {
        Ok(posix::make_directory_at(&self.root, beneath(path), permissions)?)
    }

    async fn remove_directory(&self, path: &str) -> Result<()> {
        Ok(posix::remove_directory_at(&self.root, beneath(path))?)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        Ok(posix::remove_at(&self.root, beneath(path))?)
    }

    async fn rename(&self, source: &str, destination: &str, replace: bool) -> Result<()> {
        Ok(posix::rename_at(&self.root, beneath(source), &self.root, beneath(destination), replace)?)
    }

    async fn read_link(&self, path: &str) -> Result<String> {
        Ok(posix::read_link_at(&self.root, beneath(path))?)
    }

    async fn symlink(&self, target: &str, path: &str) -> Result<()> {
        Ok(posix::symlink_at(target, &self.root, beneath(path))?)
    }

    async fn hard_link(&self, existing: &str, path: &str) -> Result<()> {
        Ok(posix::link_at(&self.root, beneath(existing), &self.root, beneath(path))?)
    }

    async fn usage(&self, path: &str) -> Result<Usage> {
        Ok(posix::usage_at(&self.root, beneath(path))?)
    }
}

/// A path of the contract as `posix` takes it: the part beneath the root.
fn beneath(path: &str) -> &str {
    match path.strip_prefix('/') {
        Some("") | None => ".",
        Some(path) => path,
    }
}

/// However a file ends, a jail keeps what it has, so that a client can resume.
impl File for JailFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        Ok(bytes::read(&self.descriptor, offset, length.into())?)
    }

    async fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        bytes::write(&self.descriptor, self.write_offset(offset), data)
    }

    async fn stat(&self) -> Result<Attributes> {
        Ok(posix::stat(&self.descriptor)?)
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        Ok(posix::set_stat(&self.descriptor, &changes)?)
    }

    async fn usage(&self) -> Result<Usage> {
        Ok(posix::usage_of(&self.descriptor)?)
    }

    async fn sync(&self) -> Result<()> {
        Ok(self.descriptor.sync()?)
    }

    async fn copy_range(&self, offset: u64, length: Option<u64>, to: &Self, to_offset: u64) -> Result<u64> {
        // The kernel refuses to copy to a file that appends.
        if !to.appends() {
            match self.copy_in_kernel(offset, length.unwrap_or(u64::MAX), to, to_offset).await {
                Err(System::Unsupported | System::CrossDevice) => {}
                copied => return Ok(copied?),
            }
        }
        copy_by_reading(self, offset, length, to, to_offset).await
    }

    fn native(&self) -> Option<NativeFile> {
        self.native.take()
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

    /// The kernel refuses ranges that end past the largest offset, also where the source ends long before.
    async fn copy_in_kernel(&self, offset: u64, length: u64, to: &Self, to_offset: u64) -> Result<u64, System> {
        let Some(room) = bytes::OFFSET_MAX.checked_sub(offset) else { return Ok(0) };
        let Some(room_there) = bytes::OFFSET_MAX.checked_sub(to_offset) else { return Err(System::FileTooLarge) };
        let length = length.min(COPY_MAX).min(room).min(room_there);
        posix::copy_range(&self.descriptor, offset, length, &to.descriptor, to_offset)
    }
}

impl Directory for JailDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>> {
        Ok(self.0.read(max)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_guest::ErrorCode;

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
