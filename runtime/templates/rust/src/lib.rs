//! Notes in one directory, which are written, read, renamed and removed, and live as long as the session. Put what you
//! serve in place of the map.
//!
//! Setting: `welcome`, the text of the note `welcome.txt`, which is there from the beginning.

#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use strongroom_guest::*;

/// The bytes of one note.
const NOTE_MAX: u64 = 16 << 20;

/// What there is, by its path.
pub struct Notes(RefCell<BTreeMap<String, Rc<Note>>>);

/// A note; it lives as long as it has a name or is open.
pub struct Note {
    text: RefCell<Vec<u8>>,
    modified: Cell<Timestamp>,
}

pub struct OpenNote {
    note: Rc<Note>,
    appends: bool,
}

export!(Notes);

impl Storage for Notes {
    type Session = Self;

    async fn connect(_client: Client, settings: &mut Settings) -> Result<Connected<Self>> {
        let notes = Self(RefCell::default());
        if let Some(welcome) = settings.take_text("welcome") {
            notes.create("/welcome.txt")?.set_text(0, format!("{welcome}\n").as_bytes())?;
        }
        Ok(Connected::new(notes).with_features(Features::ATOMIC_REPLACE | Features::RANDOM_WRITE))
    }
}

impl Session for Notes {
    type File = OpenNote;
    type Directory = Listing;

    async fn open(&self, path: &str, flags: OpenFlags, _permissions: u16) -> Result<OpenNote> {
        let note = match self.find(path) {
            _ if path == "/" => return Err(ErrorCode::IsADirectory.into()),
            Ok(_) if flags.contains(OpenFlags::EXCLUSIVE) => return Err(ErrorCode::AlreadyExists.into()),
            Err(_) if flags.contains(OpenFlags::CREATE) => self.create(path)?,
            found => found?,
        };
        if flags.contains(OpenFlags::TRUNCATE) {
            note.resize(0)?;
        }
        Ok(OpenNote { note, appends: flags.contains(OpenFlags::APPEND) })
    }

    async fn open_directory(&self, path: &str) -> Result<Listing> {
        if path != "/" {
            self.find(path)?;
            return Err(ErrorCode::NotADirectory.into());
        }
        let notes = self.0.borrow();
        Ok(Listing::new(notes.iter().map(|(path, note)| (path.trim_start_matches('/'), note.attributes()))))
    }

    async fn stat(&self, path: &str, _follow: bool) -> Result<Attributes> {
        if path == "/" { Ok(Attributes::directory()) } else { Ok(self.find(path)?.attributes()) }
    }

    async fn set_stat(&self, path: &str, _follow: bool, changes: AttributeChanges) -> Result<()> {
        match (path, changes.size) {
            ("/", Some(_)) => Err(ErrorCode::IsADirectory.into()),
            ("/", None) => Ok(()),
            _ => self.find(path)?.change(changes),
        }
    }

    async fn remove(&self, path: &str) -> Result<()> {
        if path == "/" {
            return Err(ErrorCode::IsADirectory.into());
        }
        self.0.borrow_mut().remove(path).map(drop).ok_or(ErrorCode::NoSuchFile.into())
    }

    async fn rename(&self, source: &str, destination: &str, replace: bool) -> Result<()> {
        if source == "/" || destination == "/" {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let note = self.find(source)?;
        if !replace && self.find(destination).is_ok() {
            return Err(ErrorCode::AlreadyExists.into());
        }
        self.check_place(destination)?;
        let mut notes = self.0.borrow_mut();
        notes.remove(source);
        notes.insert(destination.to_owned(), note);
        Ok(())
    }

    async fn make_directory(&self, path: &str, _permissions: u16) -> Result<()> {
        match self.stat(path, true).await {
            Ok(_) => Err(ErrorCode::AlreadyExists.into()),
            Err(_) => Err(ErrorCode::Unsupported.into()),
        }
    }

    async fn remove_directory(&self, path: &str) -> Result<()> {
        match self.stat(path, true).await?.kind {
            FileKind::Directory => Err(ErrorCode::Busy.into()),
            _ => Err(ErrorCode::NotADirectory.into()),
        }
    }
}

impl File for OpenNote {
    async fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>> {
        Ok(slice(&self.note.text.borrow(), offset, length).to_vec())
    }

    async fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let end = self.note.text.borrow().len() as u64;
        self.note.set_text(if self.appends { end } else { offset }, data)
    }

    async fn stat(&self) -> Result<Attributes> {
        Ok(self.note.attributes())
    }

    async fn set_stat(&self, changes: AttributeChanges) -> Result<()> {
        self.note.change(changes)
    }
}

impl Notes {
    fn find(&self, path: &str) -> Result<Rc<Note>> {
        self.0.borrow().get(path).cloned().ok_or(ErrorCode::NoSuchFile.into())
    }

    fn create(&self, path: &str) -> Result<Rc<Note>> {
        self.check_place(path)?;
        let note = Rc::new(Note { text: RefCell::default(), modified: Cell::new(Timestamp::now()) });
        self.0.borrow_mut().insert(path.to_owned(), note.clone());
        Ok(note)
    }

    /// Whether a note could have this path: there is one directory.
    fn check_place(&self, path: &str) -> Result<()> {
        match path::split(path) {
            Some(("/", _)) => Ok(()),
            Some((parent, _)) if self.find(parent).is_ok() => Err(ErrorCode::NotADirectory.into()),
            _ => Err(ErrorCode::NoSuchFile.into()),
        }
    }
}

impl Note {
    fn attributes(&self) -> Attributes {
        Attributes::file(self.text.borrow().len() as u64).with_modified(self.modified.get())
    }

    /// A note has a size and keeps nothing else, which `features` say too.
    fn change(&self, changes: AttributeChanges) -> Result<()> {
        if let Some(size) = changes.size {
            self.resize(size)?;
        }
        let rest = AttributeChanges { size: None, ..changes };
        if rest.is_empty() { Ok(()) } else { Err(ErrorCode::Unsupported.into()) }
    }

    /// Writes `data` at `offset`; what lies between is zeros.
    fn set_text(&self, offset: u64, data: &[u8]) -> Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let end = offset.saturating_add(data.len() as u64);
        let size = self.text.borrow().len() as u64;
        self.resize(size.max(end))?;
        // Both are at most NOTE_MAX now.
        self.text.borrow_mut()[offset as usize..end as usize].copy_from_slice(data);
        Ok(())
    }

    fn resize(&self, size: u64) -> Result<()> {
        if size > NOTE_MAX {
            return Err(ErrorCode::FileTooLarge.into());
        }
        let mut text = self.text.borrow_mut();
        let more = (size as usize).saturating_sub(text.len());
        text.try_reserve(more).map_err(|_| ErrorCode::NoSpace)?;
        text.resize(size as usize, 0);
        self.modified.set(Timestamp::now());
        Ok(())
    }
}
