//! Open files and directories as a client holds them: opaque, checked by generation, looked up whole, and unknown for
//! ever once closed.

use super::jobs::JobIndex;
use super::listing::Listing;
use super::wire::{Reader, Writer};
use crate::storage::{DirectoryId, FileId, StoragePath};
use std::collections::{HashSet, VecDeque};

/// Where a handle is kept. Files and directories share one numbering, which is also what the storage calls them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleIndex(u32);

impl HandleIndex {
    pub fn file(self) -> FileId {
        FileId(self.0)
    }

    pub fn directory(self) -> DirectoryId {
        DirectoryId(self.0)
    }

    fn position(self) -> usize {
        self.0 as usize
    }
}

/// How far a handle is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The storage has not answered yet; no client knows it.
    Opening,
    Open,
    /// Closed by the client or by the end; the storage has not answered yet.
    Closing,
    /// What it stood for died with the storage's instance; only a CLOSE is left to come.
    Dead,
}

#[derive(Debug)]
pub struct Handle {
    pub path: StoragePath,
    pub state: State,
    pub kind: Kind,
    /// Where what is done with it stands in line; files that are open by one path stand in one.
    pub lane: usize,
}

#[derive(Debug)]
pub enum Kind {
    File(OpenFile),
    Directory(Listing),
}

#[derive(Debug)]
pub struct OpenFile {
    pub readable: bool,
    pub writable: bool,
    pub append: bool,
    /// Where the next byte of an upload in order goes.
    pub upload_offset: u64,
    /// The file will not be what the client wanted: it is closed with `discard`.
    pub write_failed: bool,
    pub bytes_read: u64,
    pub bytes_written: u64,
    /// Reads that the client has no answer to, in the order in which it gets them.
    pub reads: VecDeque<JobIndex>,
}

impl OpenFile {
    pub fn new(readable: bool, writable: bool, append: bool) -> Self {
        Self {
            readable,
            writable,
            append,
            upload_offset: 0,
            write_failed: false,
            bytes_read: 0,
            bytes_written: 0,
            reads: VecDeque::new(),
        }
    }

    /// Where a write goes: a file that is appended to has no other place than its end, whatever the client says.
    pub fn write_offset(&self, sent: u64) -> u64 {
        if self.append { 0 } else { sent }
    }
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    handle: Option<Handle>,
}

/// All handles of a session.
#[derive(Debug)]
pub struct Handles {
    slots: Vec<Slot>,
    free: Vec<HandleIndex>,
    /// Those that the client holds or is about to hold.
    held: usize,
    max: usize,
}

impl Handles {
    pub fn new(max: usize) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), held: 0, max }
    }

    /// A place for what is about to be opened; `None` at the limit.
    pub fn reserve(&mut self, path: StoragePath, kind: Kind) -> Option<HandleIndex> {
        if self.held >= self.max {
            return None;
        }
        let lane = match &kind {
            Kind::File(_) => self.lane_of_file(&path).unwrap_or_else(|| self.unused_lane()),
            Kind::Directory(_) => self.unused_lane(),
        };
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(Slot::default());
                HandleIndex(u32::try_from(self.slots.len() - 1).ok()?)
            }
        };
        let slot = self.slots.get_mut(index.position())?;
        slot.generation += 1;
        slot.handle = Some(Handle { path, state: State::Opening, kind, lane });
        self.held += 1;
        Some(index)
    }

    pub fn opened(&mut self, index: HandleIndex) {
        if let Some(handle) = self.get_mut(index) {
            handle.state = State::Open;
        }
    }

    /// No later request finds it any more; its place stays taken until [`Handles::remove`].
    pub fn begin_close(&mut self, index: HandleIndex) {
        if let Some(handle) = self.get_mut(index).filter(|handle| handle.state != State::Closing) {
            handle.state = State::Closing;
            self.held = self.held.saturating_sub(1);
        }
    }

    pub fn remove(&mut self, index: HandleIndex) {
        let Some(slot) = self.slots.get_mut(index.position()) else { return };
        let Some(handle) = slot.handle.take() else { return };
        if handle.state != State::Closing {
            self.held = self.held.saturating_sub(1);
        }
        // A place whose generations are used up is never used again, so that no old handle can mean a new file.
        if slot.generation != u32::MAX {
            self.free.push(index);
        }
    }

    pub fn get(&self, index: HandleIndex) -> Option<&Handle> {
        self.slots.get(index.position())?.handle.as_ref()
    }

    pub fn get_mut(&mut self, index: HandleIndex) -> Option<&mut Handle> {
        self.slots.get_mut(index.position())?.handle.as_mut()
    }

    pub fn file(&self, index: HandleIndex) -> Option<&OpenFile> {
        match &self.get(index)?.kind {
            Kind::File(file) => Some(file),
            Kind::Directory(_) => None,
        }
    }

    pub fn file_mut(&mut self, index: HandleIndex) -> Option<&mut OpenFile> {
        match &mut self.get_mut(index)?.kind {
            Kind::File(file) => Some(file),
            Kind::Directory(_) => None,
        }
    }

    pub fn listing_mut(&mut self, index: HandleIndex) -> Option<&mut Listing> {
        match &mut self.get_mut(index)?.kind {
            Kind::Directory(listing) => Some(listing),
            Kind::File(_) => None,
        }
    }

    /// The lane of the files that are open by this path, if there are any.
    pub fn lane_of_file(&self, path: &StoragePath) -> Option<usize> {
        let handles = self.slots.iter().filter_map(|slot| slot.handle.as_ref());
        handles.filter(|handle| matches!(handle.kind, Kind::File(_)) && handle.path == *path).map(|h| h.lane).next()
    }

    fn unused_lane(&self) -> usize {
        let used: HashSet<usize> = self.slots.iter().filter_map(|slot| Some(slot.handle.as_ref()?.lane)).collect();
        (0..).find(|lane| !used.contains(lane)).unwrap_or_default()
    }

    /// The bytes that stand for it on the wire.
    pub fn wire_bytes(&self, index: HandleIndex) -> Vec<u8> {
        let generation = self.slots.get(index.position()).map_or(0, |slot| slot.generation);
        let mut out = Vec::with_capacity(8);
        out.put_u32(index.0);
        out.put_u32(generation);
        out
    }

    /// What a client means by `bytes`: a handle that was given to it and that it has not closed, open or dead.
    pub fn look_up(&self, bytes: &[u8]) -> Option<HandleIndex> {
        let mut reader = Reader::new(bytes);
        let (index, generation) = (HandleIndex(reader.u32().ok()?), reader.u32().ok()?);
        let slot = self.slots.get(index.position())?;
        let known = matches!(slot.handle.as_ref()?.state, State::Open | State::Dead);
        (reader.is_empty() && slot.generation == generation && known).then_some(index)
    }

    pub fn indices_in(&self, state: State) -> Vec<HandleIndex> {
        let indices = (0..).map(HandleIndex).zip(&self.slots);
        indices.filter(|(_, slot)| slot.handle.as_ref().is_some_and(|h| h.state == state)).map(|(i, _)| i).collect()
    }

    /// Everything that is open died with its instance.
    pub fn kill(&mut self) {
        for handle in self.slots.iter_mut().filter_map(|slot| slot.handle.as_mut()) {
            if handle.state == State::Open {
                handle.state = State::Dead;
            }
        }
    }

    /// All that take a place, whatever their state.
    pub fn len(&self) -> usize {
        self.slots.iter().filter(|slot| slot.handle.is_some()).count()
    }

    /// Those that the client holds.
    pub fn held(&self) -> usize {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Kind {
        Kind::File(OpenFile::new(true, false, false))
    }

    fn open(handles: &mut Handles) -> (HandleIndex, Vec<u8>) {
        let index = handles.reserve(StoragePath::root(), file()).unwrap();
        handles.opened(index);
        (index, handles.wire_bytes(index))
    }

    #[test]
    fn row_24_a_closed_handle_is_unknown_for_ever() {
        let mut handles = Handles::new(2);
        let mut old = Vec::new();
        for _ in 0..100 {
            let (index, bytes) = open(&mut handles);
            assert_eq!(handles.look_up(&bytes), Some(index));
            handles.begin_close(index);
            assert_eq!(handles.look_up(&bytes), None);
            handles.remove(index);
            old.push(bytes);
        }
        open(&mut handles);
        assert!(old.iter().all(|bytes| handles.look_up(bytes).is_none()));
    }

    #[test]
    fn the_limit_counts_what_the_client_holds() {
        let mut handles = Handles::new(1);
        let (first, _) = open(&mut handles);
        assert_eq!(handles.reserve(StoragePath::root(), file()), None);
        handles.begin_close(first);
        let (second, _) = open(&mut handles);
        assert_ne!(first, second);
        assert_eq!((handles.len(), handles.held()), (2, 1));
    }

    #[test]
    fn handles_are_looked_up_whole() {
        let mut handles = Handles::new(9);
        let (_, bytes) = open(&mut handles);
        for wrong in [&bytes[..7], &[bytes.as_slice(), b"\0"].concat(), b"", &[0xff; 8], &[0xff; 300]] {
            assert_eq!(handles.look_up(wrong), None);
        }
    }

    #[test]
    fn files_open_by_one_path_share_a_lane_and_nothing_else_does() {
        let mut handles = Handles::new(9);
        let path = |path: &str| StoragePath::resolve(&StoragePath::root(), path).unwrap();
        let mut open = |name: &str, kind| {
            let index = handles.reserve(path(name), kind).unwrap();
            (index, handles.get(index).unwrap().lane)
        };
        let (first, shared) = open("a", file());
        assert_eq!(open("a", file()).1, shared);
        let directory = || Kind::Directory(Listing::default());
        let others = [open("b", file()).1, open("a", directory()).1, open("a", directory()).1];
        assert_eq!(HashSet::from([shared, others[0], others[1], others[2]]).len(), 4);
        handles.remove(first);
        assert_eq!(handles.lane_of_file(&path("a")), Some(shared));
        let next = handles.reserve(path("c"), file()).unwrap();
        assert_eq!(next, first);
        assert!(handles.get(next).unwrap().lane > others.into_iter().max().unwrap());
        assert_eq!(handles.lane_of_file(&path("d")), None);
    }

    #[test]
    fn a_place_with_no_generations_left_is_retired() {
        let mut handles = Handles::new(9);
        let (index, _) = open(&mut handles);
        handles.slots[0].generation = u32::MAX;
        handles.remove(index);
        assert_ne!(open(&mut handles).0, index);
    }
}
