//! A storage whose root has as many files as the setting `entries` says. Their names and attributes are made up when
//! they are asked for, so that it needs as much memory for a million as for one. None can be opened.

mod bindings {
    wit_bindgen::generate!({
        world: "strongroom:storage/guest@0.1.0",
        path: "../../../wit",
        generate_all,
    });
}

use bindings::exports::strongroom::storage::storage::{
    AttributeChanges, Attributes, Client, Connected, Directory, DirectoryEntry, Error, Features, Guest, GuestDirectory,
    GuestFile, GuestSession, OpenFlags, Opened, Session, Usage,
};
use bindings::strongroom::storage::types::{Ending, ErrorCode, FileKind, Timestamp};
use std::cell::Cell;

struct Vast;

struct VastSession {
    entries: u64,
}

/// There is none.
enum VastFile {}

struct VastDirectory {
    entries: u64,
    told: Cell<u64>,
}

bindings::export!(Vast with_types_in bindings);

impl Guest for Vast {
    type Session = VastSession;
    type File = VastFile;
    type Directory = VastDirectory;

    async fn connect(_client: Client, settings: Vec<(String, String)>) -> Result<Connected, Error> {
        let setting = settings.iter().find(|(name, _)| name == "entries");
        let entries = setting.and_then(|(_, value)| value.parse().ok()).ok_or(error(ErrorCode::InvalidArgument))?;
        Ok(Connected {
            session: Session::new(VastSession { entries }),
            features: Features::empty(),
            home: "/".to_owned(),
            transfer_size: 0,
            notes: vec![],
        })
    }
}

fn error(code: ErrorCode) -> Error {
    Error { code, message: String::new(), detail: None }
}

fn unsupported<T>() -> Result<T, Error> {
    Err(error(ErrorCode::Unsupported))
}

fn attributes(kind: FileKind, size: u64) -> Attributes {
    let time = Timestamp { seconds: 1_000_000_000, nanoseconds: 0 };
    Attributes {
        kind,
        size: Some(size),
        permissions: Some(0o644),
        uid: Some(1000),
        gid: Some(1000),
        user: None,
        group: None,
        accessed: Some(time),
        modified: Some(time),
        link_count: Some(1),
        extended: vec![],
    }
}

impl GuestSession for VastSession {
    async fn open(&self, _path: String, _flags: OpenFlags, _permissions: u16) -> Result<Opened, Error> {
        unsupported()
    }

    async fn open_directory(&self, path: String) -> Result<Directory, Error> {
        if path != "/" {
            return Err(error(ErrorCode::NoSuchFile));
        }
        Ok(Directory::new(VastDirectory { entries: self.entries, told: Cell::new(0) }))
    }

    async fn stat(&self, path: String, _follow: bool) -> Result<Attributes, Error> {
        if path == "/" { Ok(attributes(FileKind::Directory, 0)) } else { Err(error(ErrorCode::NoSuchFile)) }
    }

    async fn set_stat(&self, _path: String, _follow: bool, _changes: AttributeChanges) -> Result<(), Error> {
        unsupported()
    }

    async fn real_path(&self, path: String) -> Result<String, Error> {
        Ok(path)
    }

    async fn make_directory(&self, _path: String, _permissions: u16) -> Result<(), Error> {
        unsupported()
    }

    async fn remove_directory(&self, _path: String) -> Result<(), Error> {
        unsupported()
    }

    async fn remove(&self, _path: String) -> Result<(), Error> {
        unsupported()
    }

    async fn rename(&self, _source: String, _destination: String, _replace: bool) -> Result<(), Error> {
        unsupported()
    }

    async fn read_link(&self, _path: String) -> Result<String, Error> {
        unsupported()
    }

    async fn symlink(&self, _target: String, _path: String) -> Result<(), Error> {
        unsupported()
    }

    async fn hard_link(&self, _existing: String, _path: String) -> Result<(), Error> {
        unsupported()
    }

    async fn usage(&self, _path: String) -> Result<Usage, Error> {
        unsupported()
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl GuestFile for VastFile {
    async fn read(&self, _offset: u64, _length: u32) -> Result<Vec<u8>, Error> {
        match *self {}
    }

    async fn write(&self, _offset: u64, _data: Vec<u8>) -> Result<(), Error> {
        match *self {}
    }

    async fn stat(&self) -> Result<Attributes, Error> {
        match *self {}
    }

    async fn set_stat(&self, _changes: AttributeChanges) -> Result<(), Error> {
        match *self {}
    }

    async fn usage(&self) -> Result<Usage, Error> {
        match *self {}
    }

    async fn sync(&self) -> Result<(), Error> {
        match *self {}
    }

    async fn close(&self, _ending: Ending) -> Result<(), Error> {
        match *self {}
    }
}

impl GuestDirectory for VastDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>, Error> {
        let from = self.told.get();
        let to = self.entries.min(from + u64::from(max));
        self.told.set(to);
        let entry = |index| DirectoryEntry {
            name: format!("file-{index:07}"),
            attributes: attributes(FileKind::Regular, index),
        };
        Ok((from..to).map(entry).collect())
    }

    async fn close(&self) {}
}
