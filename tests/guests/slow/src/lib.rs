//! A storage of one file, `/hello`, of which every read waits on a clock of WASI 0.3 for as long as the setting
//! `delay-ms` says (20 unless set): while one waits, others are let in.
//!
//! With `hold=yes` reads wait until the client lets them go: `stat` of `/waiting` tells as the size how many reads wait,
//! and making the directory `/release` ends the wait of all of them.

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package strongroom:slow;

            world slow {
                include strongroom:storage/guest@0.1.0;
                import wasi:clocks/monotonic-clock@0.3.0;
            }

            package wasi:clocks@0.3.0 {
                interface monotonic-clock {
                    wait-for: async func(how-long: u64);
                }
            }
        ",
        path: "../../../wit",
        generate_all,
    });
}

use bindings::exports::strongroom::storage::storage::{
    AttributeChanges, Attributes, Client, Connected, Directory, DirectoryEntry, Error, Features, File, Guest,
    GuestDirectory, GuestFile, GuestSession, OpenFlags, Opened, Session, Usage,
};
use bindings::strongroom::storage::types::{Ending, ErrorCode, FileKind};
use bindings::wasi::clocks0_3_0::monotonic_clock;
use std::cell::Cell;
use std::rc::Rc;

/// How long a held read waits before it looks again.
const LOOK_NS: u64 = 1_000_000;

const HELLO: &[u8] = b"hello, world\n";

struct Slow;

struct SlowSession {
    wait: Rc<Wait>,
}

struct SlowFile {
    wait: Rc<Wait>,
}

/// What a read waits for.
enum Wait {
    Delay { ns: u64 },
    Hold { arrived: Cell<u64>, released: Cell<u64> },
}

#[derive(Default)]
struct SlowDirectory {
    is_told: Cell<bool>,
}

bindings::export!(Slow with_types_in bindings);

impl Guest for Slow {
    type Session = SlowSession;
    type File = SlowFile;
    type Directory = SlowDirectory;

    async fn connect(_client: Client, settings: Vec<(String, String)>) -> Result<Connected, Error> {
        Ok(Connected {
            session: Session::new(SlowSession { wait: Rc::new(Wait::parse(&settings)?) }),
            features: Features::empty(),
            home: "/".to_owned(),
            transfer_size: 0,
            notes: vec![],
        })
    }
}

impl Wait {
    fn parse(settings: &[(String, String)]) -> Result<Self, Error> {
        let setting = |wanted: &str| settings.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        if setting("hold") == Some("yes") {
            return Ok(Self::Hold { arrived: Cell::new(0), released: Cell::new(0) });
        }
        let delay_ms: u64 = setting("delay-ms").unwrap_or("20").parse().or(Err(error(ErrorCode::InvalidArgument)))?;
        Ok(Self::Delay { ns: delay_ms.saturating_mul(1_000_000) })
    }

    async fn one_read(&self) {
        match self {
            Self::Delay { ns } => monotonic_clock::wait_for(*ns).await,
            Self::Hold { arrived, released } => {
                let ticket = arrived.get();
                arrived.set(ticket + 1);
                while released.get() <= ticket {
                    monotonic_clock::wait_for(LOOK_NS).await;
                }
            }
        }
    }

    fn waiting(&self) -> Option<u64> {
        match self {
            Self::Delay { .. } => None,
            Self::Hold { arrived, released } => Some(arrived.get() - released.get()),
        }
    }

    fn release(&self) -> Result<(), Error> {
        match self {
            Self::Delay { .. } => unsupported(),
            Self::Hold { arrived, released } => {
                released.set(arrived.get());
                Ok(())
            }
        }
    }
}

fn error(code: ErrorCode) -> Error {
    Error { code, message: String::new(), detail: None }
}

fn unsupported<T>() -> Result<T, Error> {
    Err(error(ErrorCode::Unsupported))
}

fn attributes(kind: FileKind) -> Attributes {
    Attributes {
        kind,
        size: (kind == FileKind::Regular).then_some(HELLO.len() as u64),
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

fn find(path: &str) -> Result<FileKind, Error> {
    match path {
        "/" => Ok(FileKind::Directory),
        "/hello" => Ok(FileKind::Regular),
        _ => Err(error(ErrorCode::NoSuchFile)),
    }
}

impl GuestSession for SlowSession {
    async fn open(&self, path: String, flags: OpenFlags, _permissions: u16) -> Result<Opened, Error> {
        if find(&path)? == FileKind::Directory {
            return Err(error(ErrorCode::IsADirectory));
        }
        if flags.contains(OpenFlags::WRITE) {
            return Err(error(ErrorCode::ReadOnly));
        }
        Ok(Opened { file: File::new(SlowFile { wait: Rc::clone(&self.wait) }), native: None })
    }

    async fn open_directory(&self, path: String) -> Result<Directory, Error> {
        match find(&path)? {
            FileKind::Directory => Ok(Directory::new(SlowDirectory::default())),
            _ => Err(error(ErrorCode::NotADirectory)),
        }
    }

    async fn stat(&self, path: String, _follow: bool) -> Result<Attributes, Error> {
        match self.wait.waiting().filter(|_| path == "/waiting") {
            Some(waiting) => Ok(Attributes { size: Some(waiting), ..attributes(FileKind::Regular) }),
            None => find(&path).map(attributes),
        }
    }

    async fn set_stat(&self, _path: String, _follow: bool, _changes: AttributeChanges) -> Result<(), Error> {
        unsupported()
    }

    async fn real_path(&self, path: String) -> Result<String, Error> {
        Ok(path)
    }

    async fn make_directory(&self, path: String, _permissions: u16) -> Result<(), Error> {
        if path == "/release" { self.wait.release() } else { unsupported() }
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

impl GuestFile for SlowFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        self.wait.one_read().await;
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(HELLO.iter().copied().skip(skipped).take(length as usize).collect())
    }

    async fn write(&self, _offset: u64, _data: Vec<u8>) -> Result<(), Error> {
        Err(error(ErrorCode::Failure))
    }

    async fn stat(&self) -> Result<Attributes, Error> {
        Ok(attributes(FileKind::Regular))
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

impl GuestDirectory for SlowDirectory {
    async fn read(&self, _max: u32) -> Result<Vec<DirectoryEntry>, Error> {
        if self.is_told.replace(true) {
            return Ok(vec![]);
        }
        Ok(vec![DirectoryEntry { name: "hello".to_owned(), attributes: attributes(FileKind::Regular) }])
    }

    async fn close(&self) {}
}
