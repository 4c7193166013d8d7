//! A connected session of a storage: the guest's resources behind the protocol's file and directory numbers.

use super::native::NativeFile;
use crate::storage::{Answer, Call, DirectoryId, Error, ErrorCode, FileId};
use std::collections::HashMap;
use wasmtime::component::ResourceAny;

/// What one `connect` made. Dies with its instance.
pub struct StorageSession {
    pub(super) session: ResourceAny,
    files: HashMap<FileId, OpenFile>,
    directories: HashMap<DirectoryId, ResourceAny>,
    /// Closed, to be dropped: when nothing runs in the instance, unless the guest never waits.
    closed: Vec<ResourceAny>,
    /// Whether dropping a file or directory is the whole of closing it (`connected.notes`).
    closed_by_drop: bool,
}

pub(super) struct OpenFile {
    pub resource: ResourceAny,
    pub native: Option<NativeFile>,
}

/// A call's answer, with what it made or ended.
pub struct Finished {
    pub(super) result: Result<Answer, Error>,
    pub(super) effect: Effect,
}

pub(super) enum Effect {
    None,
    File(FileId, OpenFile),
    Directory(DirectoryId, ResourceAny),
    Closed(ResourceAny),
}

impl StorageSession {
    pub(super) fn new(session: ResourceAny, closed_by_drop: bool) -> Self {
        Self { session, files: HashMap::new(), directories: HashMap::new(), closed: Vec::new(), closed_by_drop }
    }

    /// The open file that the guest handed to the host, if it did.
    pub fn native(&self, file: FileId) -> Option<&NativeFile> {
        self.files.get(&file)?.native.as_ref()
    }

    /// Takes note of what a call made or ended.
    pub fn settle(&mut self, finished: Finished) -> Result<Answer, Error> {
        match finished.effect {
            Effect::None => {}
            Effect::File(id, file) => {
                self.files.insert(id, file);
            }
            Effect::Directory(id, directory) => {
                self.directories.insert(id, directory);
            }
            Effect::Closed(resource) => self.closed.push(resource),
        }
        finished.result
    }

    /// How many closed resources wait to be dropped.
    pub fn closed_resources(&self) -> usize {
        self.closed.len()
    }

    /// The native file that `call` closes, if the storage needs no call for it.
    pub(super) fn native_to_close(&self, call: &Call<'_>) -> Option<&NativeFile> {
        match *call {
            Call::CloseFile { file, .. } if self.closed_by_drop => self.native(file),
            _ => None,
        }
    }

    /// Puts what `call` closes to what is to be dropped, if the storage needs no call for it; closed once it is dropped.
    /// Gives its native file, if it has one.
    pub fn close_by_drop(&mut self, call: &Call<'_>) -> Option<Option<NativeFile>> {
        if !self.closed_by_drop {
            return None;
        }
        let (resource, native) = match *call {
            Call::CloseFile { file, .. } => self.files.remove(&file).map(|file| (file.resource, file.native)),
            Call::CloseDirectory { directory } => {
                self.directories.remove(&directory).map(|directory| (directory, None))
            }
            _ => None,
        }?;
        self.closed.push(resource);
        Some(native)
    }

    /// Whether something was closed that only its destructor ends.
    pub fn must_drop(&self) -> bool {
        self.closed_by_drop && !self.closed.is_empty()
    }

    pub(super) fn take_closed(&mut self) -> Vec<ResourceAny> {
        std::mem::take(&mut self.closed)
    }

    pub(super) fn file(&self, file: FileId) -> Result<ResourceAny, Error> {
        self.files.get(&file).map(|file| file.resource).ok_or_else(unknown)
    }

    pub(super) fn directory(&self, directory: DirectoryId) -> Result<ResourceAny, Error> {
        self.directories.get(&directory).copied().ok_or_else(unknown)
    }

    pub(super) fn take_file(&mut self, file: FileId) -> Result<ResourceAny, Error> {
        self.files.remove(&file).map(|file| file.resource).ok_or_else(unknown)
    }

    pub(super) fn take_directory(&mut self, directory: DirectoryId) -> Result<ResourceAny, Error> {
        self.directories.remove(&directory).ok_or_else(unknown)
    }
}

fn unknown() -> Error {
    Error { code: ErrorCode::Failure, message: String::new(), detail: Some("no such handle in this instance".into()) }
}
