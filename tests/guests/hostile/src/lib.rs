//! A storage that attacks the host, in the way that the setting `attack` names (`attack.rs` has them all). Apart from
//! that it has `/hello` to read, and `/report`, which says what came of an attack that tries many things.
//!
//! It expects a directory that was granted as `/`, and for some attacks one at `/kept` that was granted for reading.

// Some attacks are instructions of WebAssembly, so that elsewhere there is nothing to build.
#![cfg(target_arch = "wasm32")]

mod answers;
mod attack;
mod costs;
mod crossing;
mod escapes;
mod outside;
mod report;
mod wasi3;

use attack::{Attack, Moment};
use report::Report;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use strongroom_bindings::copying;
use strongroom_bindings::native::NativeFile;
use strongroom_bindings::storage::{
    Connected, Directory, File, FileBorrow, Guest, GuestDirectory, GuestFile, GuestSession, Opened, Session,
};
use strongroom_bindings::types::{
    AttributeChanges, Attributes, Client, DirectoryEntry, Ending, Error, ErrorCode, Features, FileKind, OpenFlags,
    Usage,
};

const HELLO: &[u8] = b"hello, world\n";

struct Hostile;

struct HostileSession(Rc<Plan>);

struct HostileFile {
    plan: Rc<Plan>,
    bytes: Vec<u8>,
    attacks: bool,
    is_closed: Rc<Cell<bool>>,
}

struct HostileDirectory {
    plan: Rc<Plan>,
    is_told: Cell<bool>,
}

/// What is to be done, and what the test said about the places where it is to be tried.
pub(crate) struct Plan {
    attack: Attack,
    settings: Vec<(String, String)>,
    handed_over: RefCell<Option<u32>>,
}

/// What an attack makes of the answer in which it happens; nothing if it was all in the doing.
pub(crate) enum Twist {
    None,
    Bytes(Vec<u8>),
    Entries(Vec<DirectoryEntry>),
    Native(NativeFile),
    Report(Report),
}

impl Plan {
    fn parse(settings: Vec<(String, String)>) -> Result<Self, Error> {
        let attack = Attack::ALL.iter().copied().find(|attack| setting(&settings, "attack") == Some(attack.name()));
        let attack = attack.ok_or(Error::from(ErrorCode::InvalidArgument).with_detail("attack names no attack"))?;
        Ok(Self { attack, settings, handed_over: RefCell::new(None) })
    }

    pub(crate) fn setting(&self, name: &str) -> &str {
        setting(&self.settings, name).unwrap_or_default()
    }

    async fn at(&self, moment: Moment, asked: u32, is_closed: &Cell<bool>) -> Result<Twist, Error> {
        if self.attack.moment() != moment {
            return Ok(Twist::None);
        }
        match self.attack {
            Attack::Behave => {}
            Attack::SpinInConnect | Attack::Spin => costs::spin(),
            Attack::SpinInTheHost => costs::spin_in_the_host(),
            Attack::SleepInConnect | Attack::Sleep => wasi3::sleep_for_ever().await,
            Attack::Block => costs::block(),
            Attack::WaitForItself => costs::wait_for(is_closed).await,
            Attack::Trap => core::arch::wasm32::unreachable(),
            Attack::GrowToTheLimit => costs::grow_to_the_limit(),
            Attack::GrowPastTheLimit => costs::grow(),
            Attack::Recurse => costs::recurse(),
            Attack::FloodTheLog => costs::flood(),
            Attack::LeakDescriptors => costs::leak_descriptors()?,
            Attack::LeakResources => costs::leak_resources(),
            Attack::LeakPollables => costs::leak_pollables(),
            Attack::StartAndForget => wasi3::start_and_forget(10_000).await,
            Attack::AskForTooMuch => costs::ask_for_too_much()?,
            Attack::AskForRandomness => costs::ask_for_randomness(),
            Attack::LongRead => return Ok(Twist::Bytes(vec![b'!'; asked as usize + 1])),
            Attack::HugeRead => return Ok(Twist::Bytes(vec![0; 1 << 30])),
            Attack::SlashName => return Ok(answers::entries(["../outside/canary"])),
            Attack::NulName => return Ok(answers::entries(["canary\0"])),
            Attack::DotsName => return Ok(answers::entries([".."])),
            Attack::MillionEntries => return Ok(answers::entries((0..1_000_000).map(|number| number.to_string()))),
            Attack::ShareMoreThanAsked => return answers::share_more_than_asked(),
            Attack::ShareTwice => return answers::share_twice(&self.handed_over),
            Attack::ShareMoreThanHeld => return Ok(Twist::Report(answers::share_more_than_held())),
            Attack::LeaveByPath => return Ok(Twist::Report(escapes::leave_by_path(self.setting("outside")).await)),
            Attack::LeaveByRace => return Ok(Twist::Report(escapes::leave_by_race().await)),
            Attack::OpenFifo => return Ok(Twist::Report(escapes::open_fifo().await)),
            Attack::CreateForAll => return Ok(Twist::Report(escapes::create_for_all().await)),
            Attack::ChangeReadOnly => return Ok(Twist::Report(escapes::change_read_only().await)),
            Attack::CrossTheGrants => {
                return Ok(Twist::Report(crossing::cross_the_grants(self.setting("outside")).await));
            }
            Attack::ReachTheNetwork => return Ok(Twist::Report(outside::reach_the_network(self.setting("port")))),
            Attack::ReadTheHost => return Ok(Twist::Report(outside::read_the_host())),
            Attack::TimeTheNeighbours => return Ok(Twist::Report(outside::time_the_neighbours())),
        }
        Ok(Twist::None)
    }
}

fn setting<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
    settings.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

fn unsupported<T>() -> Result<T, Error> {
    Err(ErrorCode::Unsupported.into())
}

pub(crate) fn attributes(kind: FileKind) -> Attributes {
    Attributes {
        kind,
        size: None,
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

fn kind_of(path: &str) -> Result<FileKind, Error> {
    match path {
        "/" => Ok(FileKind::Directory),
        "/hello" | "/report" => Ok(FileKind::Regular),
        _ => Err(ErrorCode::NoSuchFile.into()),
    }
}

strongroom_bindings::export!(Hostile);

impl Guest for Hostile {
    type Session = HostileSession;
    type File = HostileFile;
    type Directory = HostileDirectory;

    async fn connect(_client: Client, settings: Vec<(String, String)>) -> Result<Connected, Error> {
        let plan = Rc::new(Plan::parse(settings)?);
        plan.at(Moment::Connect, 0, &Cell::new(false)).await?;
        Ok(Connected {
            session: Session::new(HostileSession(plan)),
            features: Features::empty(),
            home: "/".to_owned(),
            transfer_size: 0,
            notes: vec![],
        })
    }
}

impl copying::Guest for Hostile {
    async fn copy_range(
        _source: FileBorrow<'_>,
        _source_offset: u64,
        _length: Option<u64>,
        _destination: FileBorrow<'_>,
        _destination_offset: u64,
    ) -> Result<u64, Error> {
        unsupported()
    }
}

impl GuestSession for HostileSession {
    async fn open(&self, path: String, _flags: OpenFlags, _permissions: u16) -> Result<Opened, Error> {
        if kind_of(&path)? == FileKind::Directory {
            return Err(ErrorCode::IsADirectory.into());
        }
        let is_report = path == "/report";
        let moment = if is_report { Moment::Report } else { Moment::Open };
        let is_closed = Rc::new(Cell::new(false));
        let (bytes, native) = match self.0.at(moment, 0, &is_closed).await? {
            Twist::Report(report) => (report.into_bytes(), None),
            Twist::Native(native) => (HELLO.to_vec(), Some(native)),
            _ => (HELLO.to_vec(), None),
        };
        let file = HostileFile { plan: self.0.clone(), bytes, attacks: !is_report, is_closed };
        Ok(Opened { file: File::new(file), native })
    }

    async fn open_directory(&self, path: String) -> Result<Directory, Error> {
        match kind_of(&path)? {
            FileKind::Directory => {
                Ok(Directory::new(HostileDirectory { plan: self.0.clone(), is_told: Cell::new(false) }))
            }
            _ => Err(ErrorCode::NotADirectory.into()),
        }
    }

    async fn stat(&self, path: String, _follow: bool) -> Result<Attributes, Error> {
        kind_of(&path).map(attributes)
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

impl GuestFile for HostileFile {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        if self.attacks
            && let Twist::Bytes(bytes) = self.plan.at(Moment::Read, length, &self.is_closed).await?
        {
            return Ok(bytes);
        }
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(self.bytes.iter().copied().skip(skipped).take(length as usize).collect())
    }

    async fn write(&self, _offset: u64, _data: Vec<u8>) -> Result<(), Error> {
        Err(ErrorCode::Failure.into())
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
        self.is_closed.set(true);
        Ok(())
    }
}

impl GuestDirectory for HostileDirectory {
    async fn read(&self, max: u32) -> Result<Vec<DirectoryEntry>, Error> {
        if let Twist::Entries(entries) = self.plan.at(Moment::List, max, &Cell::new(false)).await? {
            return Ok(entries);
        }
        if self.is_told.replace(true) {
            return Ok(vec![]);
        }
        let entry = |name: &str| DirectoryEntry { name: name.to_owned(), attributes: attributes(FileKind::Regular) };
        Ok(vec![entry("hello"), entry("report")])
    }

    async fn close(&self) {}
}
