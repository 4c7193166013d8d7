//! A storage each of whose files is what came of the command that is its name.

use crate::bindings::exports::strongroom::storage::storage::{
    AttributeChanges, Attributes, Client, Connected, Directory, DirectoryEntry, Error, Features, File, Guest,
    GuestDirectory, GuestFile, GuestSession, OpenFlags, Opened, Session, Usage,
};
use crate::bindings::strongroom::storage::types::{Ending, ErrorCode, FileKind};

struct Caller;

struct CallerSession;

/// What came of it.
struct Answer(String);

struct NoDirectory;

crate::bindings::export!(Caller with_types_in crate::bindings);

impl Guest for Caller {
    type Session = CallerSession;
    type File = Answer;
    type Directory = NoDirectory;

    async fn connect(_client: Client, _settings: Vec<(String, String)>) -> Result<Connected, Error> {
        Ok(Connected {
            session: Session::new(CallerSession),
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

fn attributes(kind: FileKind, size: Option<u64>) -> Attributes {
    Attributes {
        kind,
        size,
        permissions: None,
        uid: None,
        gid: None,
        user: None,
        group: None,
        accessed: None,
        modified: None,
        link_count: None,
        extended: vec![],
    }
}

impl GuestSession for CallerSession {
    async fn open(&self, path: String, _flags: OpenFlags, _permissions: u16) -> Result<Opened, Error> {
        let answer = crate::carry_out(path.trim_start_matches('/')).await;
        Ok(Opened { file: File::new(Answer(answer)), native: None })
    }

    async fn open_directory(&self, _path: String) -> Result<Directory, Error> {
        unsupported()
    }

    async fn stat(&self, path: String, _follow: bool) -> Result<Attributes, Error> {
        if path == "/" { Ok(attributes(FileKind::Directory, None)) } else { Err(error(ErrorCode::NoSuchFile)) }
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

impl GuestFile for Answer {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.0.bytes().skip(skipped).take(length as usize).collect())
    }

    async fn write(&self, _offset: u64, _data: Vec<u8>) -> Result<(), Error> {
        unsupported()
    }

    async fn stat(&self) -> Result<Attributes, Error> {
        Ok(attributes(FileKind::Regular, Some(self.0.len() as u64)))
    }

    async fn set_stat(&self, _changes: AttributeChanges) -> Result<(), Error> {
        unsupported()
    }

    async fn usage(&self) -> Result<Usage, Error> {
        unsupported()
    }

    async fn sync(&self) -> Result<(), Error> {
        unsupported()
    }

    async fn close(&self, _ending: Ending) -> Result<(), Error> {
        Ok(())
    }
}

impl GuestDirectory for NoDirectory {
    async fn read(&self, _max: u32) -> Result<Vec<DirectoryEntry>, Error> {
        Ok(vec![])
    }

    async fn close(&self) {}
}
