//! What a job is to do: the calls of each kind of request, one after the other.

use super::checksum::Checksum;
use super::handles::{HandleIndex, Handles, Kind};
use super::status::{Refusal, Status};
use crate::storage::{AttributeChanges, Attributes, Call, Ending, Error, Features, FileId, OpenFlags, StoragePath};
use std::ops::Range;

pub enum Task {
    /// One call whose answer is the reply.
    Plain {
        call: Option<Call<'static>>,
        reply: Reply,
    },
    Open(Open),
    OpenDirectory(OpenDirectory),
    Read {
        handle: HandleIndex,
        offset: u64,
        length: usize,
        /// What the storage gave, if that is held until earlier reads of the file are answered.
        answer: Option<Result<Vec<u8>, Error>>,
    },
    Write {
        handle: HandleIndex,
        offset: u64,
        data: Data,
    },
    /// FSETSTAT.
    Change {
        handle: HandleIndex,
        changes: AttributeChanges,
    },
    Sync {
        handle: HandleIndex,
    },
    ReadDirectory {
        handle: HandleIndex,
    },
    CloseFile {
        handle: HandleIndex,
        ending: Ending,
    },
    CloseDirectory {
        handle: HandleIndex,
    },
    Copy(Copy),
    Check(Box<Check>),
    CloseSession,
}

/// How an answer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Status,
    Attributes,
    Path,
    Target,
    Usage,
}

pub struct Open {
    pub handle: HandleIndex,
    pub path: StoragePath,
    pub flags: OpenFlags,
    pub permissions: u16,
    /// Before it is opened, a look whether there is something in it that the storage could not keep.
    pub look_first: bool,
}

/// Opens, then takes a look at the directory and its parent, whose attributes '.' and '..' are listed with.
pub struct OpenDirectory {
    pub handle: HandleIndex,
    pub path: StoragePath,
    pub step: OpenDirectoryStep,
}

pub enum OpenDirectoryStep {
    Open,
    Own,
    Parent { own: Option<Attributes> },
}

/// The payload of a write: where it was received if it starts at once, else a copy.
pub enum Data {
    Received(Range<usize>),
    Copied(Vec<u8>),
}

impl Data {
    pub fn len(&self) -> usize {
        match self {
            Data::Received(range) => range.len(),
            Data::Copied(bytes) => bytes.len(),
        }
    }
}

/// `copy-data`, call after call until all is copied or `source` ends.
pub struct Copy {
    pub source: HandleIndex,
    pub source_offset: u64,
    /// `None` is to the end.
    pub length: Option<u64>,
    /// `None` until a look at `source` has told where it ends: what is copied ends there at the latest. An end that moved
    /// along with it, because both are one file, would bring more than there was, or never come.
    pub remaining: Option<u64>,
    pub destination: HandleIndex,
    pub destination_offset: u64,
}

/// `check-file`, read after read.
pub struct Check {
    pub handle: HandleIndex,
    pub offset: u64,
    /// `None` is to the end.
    pub remaining: Option<u64>,
    pub checksum: Checksum,
    pub step: CheckStep,
    /// The file was opened for this and is closed after it.
    pub opened_by: Option<StoragePath>,
    /// Once it is clear; told when the file is closed.
    pub refusal: Option<Refusal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStep {
    Open,
    Read,
    Close,
}

/// What a job needs done next.
pub enum Prepared {
    Call(Call<'static>),
    /// A write; its payload stays with the job.
    Write {
        file: FileId,
        offset: u64,
    },
    /// Nothing: the reply to a READDIR is at hand.
    Entries,
    /// Nothing: it is not done at all.
    Refused(Refusal),
}

/// What tasks depend on beside their handles.
#[derive(Clone, Copy)]
pub struct Context {
    pub features: Features,
    pub max_read_bytes: usize,
}

impl Task {
    /// The next call. Everything that depends on calls before it on the same file is decided here, when they have
    /// returned.
    pub fn prepare(&mut self, handles: &Handles, context: Context) -> Prepared {
        match self {
            Task::Plain { call, .. } => call.take().map_or(Prepared::Refused(Status::Failure.into()), Prepared::Call),
            Task::Open(open) => Prepared::Call(open.call()),
            Task::OpenDirectory(open) => Prepared::Call(open.call()),
            Task::Read { handle, offset, length, .. } => Prepared::Call(read(*handle, *offset, *length)),
            Task::Write { handle, offset, .. } => match may_write_at(handles, *handle, *offset, context.features) {
                Ok(()) => Prepared::Write { file: handle.file(), offset: *offset },
                Err(refusal) => Prepared::Refused(refusal),
            },
            Task::Change { handle, changes } => match may_cut(handles, *handle, changes, context.features) {
                Ok(()) => Prepared::Call(Call::FileSetStat { file: handle.file(), changes: std::mem::take(changes) }),
                Err(refusal) => Prepared::Refused(refusal),
            },
            Task::Sync { handle } => Prepared::Call(Call::FileSync { file: handle.file() }),
            Task::ReadDirectory { handle } => match wanted_entries(handles, *handle) {
                Some(max) => Prepared::Call(Call::ReadDirectory { directory: handle.directory(), max }),
                None => Prepared::Entries,
            },
            Task::CloseFile { handle, ending } => {
                if handles.file(*handle).is_some_and(|file| file.write_failed) {
                    *ending = Ending::Discard;
                }
                Prepared::Call(Call::CloseFile { file: handle.file(), ending: *ending })
            }
            Task::CloseDirectory { handle } => Prepared::Call(Call::CloseDirectory { directory: handle.directory() }),
            Task::Copy(copy) => {
                match may_write_at(handles, copy.destination, copy.destination_offset, context.features) {
                    Ok(()) => Prepared::Call(copy.call()),
                    Err(refusal) => Prepared::Refused(refusal),
                }
            }
            Task::Check(check) => Prepared::Call(check.call(context.max_read_bytes)),
            Task::CloseSession => Prepared::Call(Call::CloseSession),
        }
    }
}

impl Open {
    fn call(&self) -> Call<'static> {
        let path = self.path.clone();
        if self.look_first {
            return Call::Stat { path, follow: true };
        }
        Call::Open { file: self.handle.file(), path, flags: self.flags, permissions: self.permissions }
    }
}

impl OpenDirectory {
    fn call(&self) -> Call<'static> {
        let path = self.path.clone();
        match self.step {
            OpenDirectoryStep::Open => Call::OpenDirectory { directory: self.handle.directory(), path },
            OpenDirectoryStep::Own => Call::Stat { path, follow: true },
            OpenDirectoryStep::Parent { .. } => {
                Call::Stat { path: StoragePath::resolve(&path, "..").unwrap_or(path), follow: true }
            }
        }
    }
}

impl Copy {
    fn call(&self) -> Call<'static> {
        if self.remaining.is_none() {
            return Call::FileStat { file: self.source.file() };
        }
        Call::Copy {
            source: self.source.file(),
            source_offset: self.source_offset,
            length: self.remaining,
            destination: self.destination.file(),
            destination_offset: self.destination_offset,
        }
    }
}

impl Check {
    fn call(&self, max_read_bytes: usize) -> Call<'static> {
        let file = self.handle.file();
        match (self.step, &self.opened_by) {
            (CheckStep::Open, Some(path)) => {
                Call::Open { file, path: path.clone(), flags: OpenFlags::READ, permissions: 0 }
            }
            (CheckStep::Close, _) => Call::CloseFile { file, ending: Ending::Discard },
            (CheckStep::Open | CheckStep::Read, _) => read(self.handle, self.offset, self.read_length(max_read_bytes)),
        }
    }

    /// How much the next read asks for.
    pub fn read_length(&self, max_read_bytes: usize) -> usize {
        let remaining = self.remaining.and_then(|remaining| usize::try_from(remaining).ok());
        remaining.map_or(max_read_bytes, |remaining| remaining.min(max_read_bytes))
    }
}

fn read(handle: HandleIndex, offset: u64, length: usize) -> Call<'static> {
    Call::Read { file: handle.file(), offset, length: u32::try_from(length).unwrap_or(u32::MAX) }
}

/// Without random writing a file is an upload from offset 0 in order.
fn may_write_at(handles: &Handles, handle: HandleIndex, offset: u64, features: Features) -> Result<(), Refusal> {
    let Some(file) = handles.file(handle) else { return Err(Status::Failure.into()) };
    if features.contains(Features::RANDOM_WRITE) || file.append || offset == file.upload_offset {
        return Ok(());
    }
    Err(Refusal::new(Status::OpUnsupported, "This storage takes uploads from the start and in order only"))
}

/// Without random writing a size can be set only to what has been written anyway.
fn may_cut(
    handles: &Handles,
    handle: HandleIndex,
    changes: &mut AttributeChanges,
    features: Features,
) -> Result<(), Refusal> {
    if features.contains(Features::RANDOM_WRITE) || changes.size.is_none() {
        return Ok(());
    }
    let file = handles.file(handle).filter(|file| file.writable && !file.append);
    if file.is_some_and(|file| changes.size == Some(file.upload_offset)) {
        changes.size = None;
        return Ok(());
    }
    Err(Refusal::new(Status::OpUnsupported, "This storage cannot cut files"))
}

fn wanted_entries(handles: &Handles, handle: HandleIndex) -> Option<u32> {
    match &handles.get(handle)?.kind {
        Kind::Directory(listing) => listing.wanted(),
        Kind::File(_) => None,
    }
}
