//! A jail that decides what there is: nothing that is called `.secret` exists in it, by whatever link, and `/a` is the
//! directory's `b`. So `b` is listed as `a`, nothing is called `/b`, and the directory's own `a` cannot be reached.
//! It hands its open files to the host.

mod places;

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "strongroom:storage/posix-guest", generate_all });
}

use bindings::exports::strongroom::storage::storage::{
    AttributeChanges, Attributes, Client, Connected, Directory, DirectoryEntry, Error, Features, File, Guest,
    GuestDirectory, GuestFile, GuestSession, OpenFlags, Opened, Session, Usage,
};
use bindings::strongroom::storage::posix::{self, Access, Listing};
use bindings::strongroom::storage::types::{Ending, ErrorCode};
use bindings::wasi::filesystem::preopens::get_directories;
use bindings::wasi::filesystem::types::{Descriptor, ErrorCode as System};
use std::cell::RefCell;
use std::rc::Rc;

struct Hide;

struct HidingSession {
    root: Descriptor,
}

struct HidingFile {
    descriptor: RefCell<Option<Rc<Descriptor>>>,
}

struct HidingDirectory {
    listing: RefCell<Option<Rc<Listing>>>,
    is_root: bool,
}

bindings::export!(Hide with_types_in bindings);

impl Guest for Hide {
    type Session = HidingSession;
    type File = HidingFile;
    type Directory = HidingDirectory;

    async fn connect(_client: Client, _settings: Vec<(String, String)>) -> Result<Connected, Error> {
        let (root, _) = get_directories().into_iter().next().ok_or(error(ErrorCode::Unavailable))?;
        Ok(Connected {
            session: Session::new(HidingSession { root }),
            features: Features::all().difference(Features::EXTENDED_ATTRIBUTES | Features::ATOMIC_UPLOAD),
            home: "/".to_owned(),
            transfer_size: 0,
            notes: vec![],
        })
    }
}

fn error(code: ErrorCode) -> Error {
    Error { code, message: String::new(), detail: None }
}

impl From<System> for Error {
    fn from(system: System) -> Self {
        error(match system {
            System::Access | System::NotPermitted => ErrorCode::PermissionDenied,
            System::Exist => ErrorCode::AlreadyExists,
            System::Invalid => ErrorCode::InvalidArgument,
            System::IsDirectory => ErrorCode::IsADirectory,
            System::Loop => ErrorCode::Loop,
            System::NoEntry => ErrorCode::NoSuchFile,
            System::NotDirectory => ErrorCode::NotADirectory,
            System::NotEmpty => ErrorCode::NotEmpty,
            System::ReadOnly => ErrorCode::ReadOnly,
            System::Unsupported => ErrorCode::Unsupported,
            _ => ErrorCode::Failure,
        })
    }
}

impl HidingSession {
    /// Where the path leads in the directory, a link at its end followed if `follow`, without a link on the way.
    async fn place(&self, path: &str, follow: bool) -> Result<String, Error> {
        match places::split(path) {
            Some((parent, name)) if !follow => {
                hidden(places::inward(path))?;
                let parent = self.real_path(parent.to_owned()).await?;
                hidden(places::inward(&format!("{}/{name}", parent.trim_end_matches('/'))))
            }
            _ => hidden(places::inward(&self.real_path(path.to_owned()).await?)),
        }
    }
}

fn hidden<T>(place: Option<T>) -> Result<T, Error> {
    place.ok_or(error(ErrorCode::NoSuchFile))
}

impl GuestSession for HidingSession {
    async fn open(&self, path: String, flags: OpenFlags, permissions: u16) -> Result<Opened, Error> {
        let place = self.place(&path, !flags.contains(OpenFlags::EXCLUSIVE)).await?;
        let descriptor = posix::open_at(&self.root, place, flags, permissions).await?;
        let mut access = Access::empty();
        access.set(Access::READ, flags.contains(OpenFlags::READ));
        access.set(Access::WRITE, flags.contains(OpenFlags::WRITE));
        let native = posix::share(&descriptor, access).or(Err(error(ErrorCode::IsADirectory)))?;
        let file = File::new(HidingFile { descriptor: RefCell::new(Some(Rc::new(descriptor))) });
        Ok(Opened { file, native: Some(native) })
    }

    async fn open_directory(&self, path: String) -> Result<Directory, Error> {
        let place = self.place(&path, true).await?;
        let is_root = place == ".";
        let listing = posix::open_listing(&self.root, place).await?;
        Ok(Directory::new(HidingDirectory { listing: RefCell::new(Some(Rc::new(listing))), is_root }))
    }

    async fn stat(&self, path: String, follow: bool) -> Result<Attributes, Error> {
        Ok(posix::stat_at(&self.root, self.place(&path, follow).await?, follow).await?)
    }

    async fn set_stat(&self, path: String, follow: bool, changes: AttributeChanges) -> Result<(), Error> {
        Ok(posix::set_stat_at(&self.root, self.place(&path, follow).await?, follow, changes).await?)
    }

    async fn real_path(&self, path: String) -> Result<String, Error> {
        let real = posix::real_path_at(&self.root, hidden(places::inward(&path))?).await?;
        hidden(places::outward(&real))
    }

    async fn make_directory(&self, path: String, permissions: u16) -> Result<(), Error> {
        Ok(posix::make_directory_at(&self.root, self.place(&path, false).await?, permissions).await?)
    }

    async fn remove_directory(&self, path: String) -> Result<(), Error> {
        Ok(posix::remove_directory_at(&self.root, self.place(&path, false).await?).await?)
    }

    async fn remove(&self, path: String) -> Result<(), Error> {
        Ok(posix::remove_at(&self.root, self.place(&path, false).await?).await?)
    }

    async fn rename(&self, source: String, destination: String, replace: bool) -> Result<(), Error> {
        let (source, destination) = (self.place(&source, false).await?, self.place(&destination, false).await?);
        Ok(posix::rename_at(&self.root, source, &self.root, destination, replace).await?)
    }

    async fn read_link(&self, path: String) -> Result<String, Error> {
        Ok(posix::read_link_at(&self.root, self.place(&path, false).await?).await?)
    }

    async fn symlink(&self, target: String, path: String) -> Result<(), Error> {
        Ok(posix::symlink_at(target, &self.root, self.place(&path, false).await?).await?)
    }

    async fn hard_link(&self, existing: String, path: String) -> Result<(), Error> {
        let (existing, path) = (self.place(&existing, false).await?, self.place(&path, false).await?);
        Ok(posix::link_at(&self.root, existing, &self.root, path).await?)
    }

    async fn usage(&self, path: String) -> Result<Usage, Error> {
        Ok(posix::usage_at(&self.root, self.place(&path, true).await?).await?)
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl HidingFile {
    fn descriptor(&self) -> Result<Rc<Descriptor>, Error> {
        self.descriptor.borrow().clone().ok_or(error(ErrorCode::Failure))
    }
}

impl GuestFile for HidingFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let (data, _) = self.descriptor()?.read(length.into(), offset)?;
        Ok(data)
    }

    async fn write(&self, offset: u64, data: Vec<u8>) -> Result<(), Error> {
        let (descriptor, mut done) = (self.descriptor()?, 0);
        while done < data.len() {
            done += descriptor.write(&data[done..], offset + done as u64)? as usize;
        }
        Ok(())
    }

    async fn stat(&self) -> Result<Attributes, Error> {
        Ok(posix::stat(&*self.descriptor()?).await?)
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<(), Error> {
        Ok(posix::set_stat(&*self.descriptor()?, changes).await?)
    }

    async fn usage(&self) -> Result<Usage, Error> {
        Ok(posix::usage_of(&*self.descriptor()?).await?)
    }

    async fn sync(&self) -> Result<(), Error> {
        Ok(self.descriptor()?.sync()?)
    }

    async fn close(&self, _ending: Ending) -> Result<(), Error> {
        self.descriptor.take();
        Ok(())
    }
}

impl GuestDirectory for HidingDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>, Error> {
        let listing = self.listing.borrow().clone().ok_or(error(ErrorCode::Failure))?;
        loop {
            let entries = listing.read(max).await?;
            let is_end = entries.is_empty();
            let shown: Vec<_> = entries.into_iter().filter_map(|entry| self.shown(entry)).collect();
            // An answer without an entry is the end, so that one of hidden entries alone must not be given.
            if is_end || !shown.is_empty() {
                return Ok(shown);
            }
        }
    }

    async fn close(&self) {
        self.listing.take();
    }
}

impl HidingDirectory {
    fn shown(&self, entry: DirectoryEntry) -> Option<DirectoryEntry> {
        match entry.name.as_str() {
            ".secret" => None,
            "a" if self.is_root => None,
            "b" if self.is_root => Some(DirectoryEntry { name: "a".to_owned(), ..entry }),
            _ => Some(entry),
        }
    }
}
