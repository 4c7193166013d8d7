//! Reading a version that is published: chunks come whole, are kept a while, and are read ahead of who reads in order.
//!
//! What is wanted in one turn of the event loop becomes few commands for many chunks each, so that many small reads at once
//! take no longer than one.

use crate::bucket::{Bucket, CHUNKS_AT_ONCE, Version};
use crate::database::COMMAND_BYTES_MAX;
use crate::failure::Failure;
use crate::system;
use futures_channel::oneshot;
use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How far ahead of the reader chunks are fetched: two commands, of which one is under way when the other is read.
const AHEAD_BYTES: u64 = 2 * COMMAND_BYTES_MAX as u64;
/// The full commands of one file at once.
const COMMANDS: usize = 4;
/// And those beside which one is sent that is not full. What is wanted beyond them waits, and becomes few large ones, which
/// cost a server less than many small ones.
const COMMANDS_IF_SMALL: usize = 2;
/// How often it is looked whether more is wanted, before anything is fetched.
const TURNS_MAX: usize = 64;
/// What all files of a session may be fetching at once; a file that fetches nothing may always begin.
const LOADING_BYTES_MAX: usize = 64 << 20;
/// What all files of a session keep of what was fetched, and one of them at the most.
const KEPT_BYTES: usize = 64 << 20;
const KEPT_BYTES_OF_ONE: usize = 16 << 20;
/// And how many chunks one of them keeps: what is read ahead with what was read.
const KEPT_CHUNKS_MAX: usize = 4 * CHUNKS_AT_ONCE;
/// The most that one read gives.
const READ_BYTES_MAX: u64 = 1 << 20;

type Bytes = Rc<Vec<u8>>;
type Fetched = Result<Bytes, Failure>;

/// A version that is open for reading.
pub struct Reader {
    bucket: Rc<Bucket>,
    version: Version,
    length: u64,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    chunks: BTreeMap<u32, Slot>,
    /// Chunks that no command fetches yet.
    wanted: BTreeSet<u32>,
    /// Whether somebody will see to those at the end of this turn.
    is_scheduled: bool,
    loading: usize,
    commands: usize,
    kept: usize,
    /// Where the next read begins if they are in order, and how many were so far.
    next: u64,
    in_order: u32,
    /// The first chunk that is not read ahead.
    ahead: u64,
    turn: u64,
}

enum Slot {
    Loading(Vec<Waiting>),
    Kept { bytes: Bytes, used: u64 },
}

/// Somebody who waits for a chunk.
struct Waiting {
    sender: oneshot::Sender<Fetched>,
    /// Whether others may want it after that one.
    is_kept: bool,
}

impl Reader {
    /// Opens a version, which stays readable until [`Reader::close`].
    pub fn open(bucket: &Rc<Bucket>, version: Version) -> Result<Rc<Self>, Failure> {
        let length = version.length.ok_or_else(|| Failure::Corrupt("the file says no length".to_owned()))?;
        if length > 0 && version.chunk_size == 0 {
            return Err(Failure::Corrupt("the file says no size of its chunks".to_owned()));
        }
        if length.div_ceil(u64::from(version.chunk_size).max(1)) > 1 << 31 {
            return Err(Failure::Corrupt("the file has more chunks than there can be".to_owned()));
        }
        bucket.hold(&version);
        bucket.readers.set(bucket.readers.get() + 1);
        Ok(Rc::new(Self { bucket: Rc::clone(bucket), version, length, state: RefCell::default() }))
    }

    /// The end. It has to be called once.
    pub fn close(&self) {
        self.bucket.readers.set(self.bucket.readers.get().saturating_sub(1));
        self.bucket.release(&self.version);
    }

    /// What is open.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The bytes that it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Up to `length` bytes from `offset` on; empty only at or past the end.
    pub async fn read(self: &Rc<Self>, offset: u64, length: u64) -> Result<Vec<u8>, Failure> {
        let left = self.length.saturating_sub(offset);
        let size = u64::from(self.version.chunk_size);
        let length = length.min(left).min(READ_BYTES_MAX.max(size)).min(size * CHUNKS_AT_ONCE as u64);
        let Some(last_byte) = length.checked_sub(1) else { return Ok(vec![]) };
        let (first, last) = (offset / size, (offset + last_byte) / size);
        let is_in_order = self.state.borrow_mut().follow(offset, length);
        let is_chunk = first == last && length == self.expected(number(first)?);
        let mut chunks = vec![];
        for n in first..=last {
            chunks.push((n, self.want(number(n)?, !(is_chunk && is_in_order))));
        }
        self.read_ahead(last);
        self.schedule();
        if is_chunk && let Some((_, chunk)) = chunks.pop() {
            return chunk.get().await.map(Rc::unwrap_or_clone);
        }
        let mut data = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        for (n, chunk) in chunks {
            let bytes = chunk.get().await?;
            let start = offset.max(n * size) - n * size;
            let end = (offset + length - n * size).min(size);
            let range = usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX);
            data.extend_from_slice(bytes.get(range).unwrap_or_default());
        }
        Ok(data)
    }

    /// A chunk that is here, or that will be. It is kept for others only if `is_kept`: who reads in order reads once, and
    /// may have the bytes themselves.
    fn want(&self, n: u32, is_kept: bool) -> Coming {
        let mut state = self.state.borrow_mut();
        state.turn += 1;
        let used = state.turn;
        if let Some(bytes) = state.take(n) {
            if is_kept {
                state.keep(n, Rc::clone(&bytes), used);
            }
            return Coming::Here(bytes);
        }
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting { sender, is_kept };
        match state.chunks.get_mut(&n) {
            Some(Slot::Loading(others)) => others.push(waiting),
            _ => {
                state.chunks.insert(n, Slot::Loading(vec![waiting]));
                state.wanted.insert(n);
            }
        }
        Coming::Later(receiver)
    }

    /// Wants what comes after `last`, if reads have been in order.
    fn read_ahead(&self, last: u64) {
        let mut state = self.state.borrow_mut();
        if state.in_order < 2 {
            state.ahead = 0;
            return;
        }
        let size = u64::from(self.version.chunk_size);
        // Not more than is kept, or it would be gone before it is read.
        let ahead = (AHEAD_BYTES.min(self.kept_max() as u64 / 2) / size).min(CHUNKS_AT_ONCE as u64);
        // Half of it at once, so that few commands bring many chunks each.
        if state.ahead > last + 1 + ahead / 2 {
            return;
        }
        let end = (last + 1 + ahead).min(self.length.div_ceil(size));
        for n in state.ahead.max(last + 1)..end {
            let Ok(n) = u32::try_from(n) else { break };
            if let Entry::Vacant(place) = state.chunks.entry(n) {
                place.insert(Slot::Loading(vec![]));
                state.wanted.insert(n);
            }
        }
        state.ahead = end;
    }

    /// Has what is wanted fetched when this turn is over, with what others want in it.
    fn schedule(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        if state.wanted.is_empty() || state.is_scheduled {
            return;
        }
        state.is_scheduled = true;
        drop(state);
        let reader = Rc::clone(self);
        system::spawn(async move {
            // The host starts calls one by one: as long as more come, they are waited for.
            for _ in 0..TURNS_MAX {
                let before = reader.state.borrow().wanted.len();
                system::let_others_run().await;
                if reader.state.borrow().wanted.len() == before {
                    break;
                }
            }
            reader.state.borrow_mut().is_scheduled = false;
            reader.fetch_wanted();
        });
    }

    fn fetch_wanted(self: &Rc<Self>) {
        loop {
            let numbers = self.next_command();
            if numbers.is_empty() {
                return;
            }
            let reader = Rc::clone(self);
            system::spawn(async move {
                let fetched = reader.bucket.read_chunks(&reader.version.id, &numbers).await;
                reader.take_in(&numbers, fetched);
                reader.fetch_wanted();
            });
        }
    }

    /// Takes the chunks of the next command from those that are wanted, as far as there is room for them.
    fn next_command(&self) -> Vec<u32> {
        let mut state = self.state.borrow_mut();
        let size = self.version.chunk_size as usize;
        let count = command_chunks(state.wanted.len(), state.commands, size);
        let loading = self.bucket.loading.get();
        if state.loading > 0 && loading + count * size > LOADING_BYTES_MAX {
            return vec![];
        }
        let mut numbers = vec![];
        while numbers.len() < count
            && let Some(n) = state.wanted.pop_first()
        {
            numbers.push(n);
        }
        state.commands += usize::from(!numbers.is_empty());
        state.loading += numbers.len() * size;
        self.bucket.loading.set(loading + numbers.len() * size);
        numbers
    }

    /// Gives what was fetched to those who wait for it, and keeps it for those who come.
    fn take_in(&self, numbers: &[u32], fetched: Result<Vec<crate::bucket::Chunk>, Failure>) {
        let mut state = self.state.borrow_mut();
        let bytes = numbers.len() * self.version.chunk_size as usize;
        state.commands = state.commands.saturating_sub(1);
        state.loading = state.loading.saturating_sub(bytes);
        self.bucket.loading.set(self.bucket.loading.get().saturating_sub(bytes));
        let mut found = BTreeMap::new();
        let failure = match fetched {
            Ok(chunks) => {
                found.extend(chunks.into_iter().map(|chunk| (chunk.n, chunk.data)));
                None
            }
            Err(failure) => Some(failure),
        };
        for n in numbers {
            let fetched = match (&failure, found.remove(n)) {
                (Some(failure), _) => Err(failure.clone()),
                (None, Some(data)) if data.len() as u64 == self.expected(*n) => Ok(Rc::new(data)),
                (None, Some(_)) => Err(Failure::Corrupt(format!("chunk {n} has not the length that it should have"))),
                (None, None) => Err(Failure::Corrupt(format!("chunk {n} is missing"))),
            };
            let waiting = match state.chunks.remove(n) {
                Some(Slot::Loading(waiting)) => waiting,
                _ => vec![],
            };
            let is_kept = waiting.len() != 1 || waiting.iter().any(|waiting| waiting.is_kept);
            if is_kept && let Ok(bytes) = &fetched {
                state.turn += 1;
                let used = state.turn;
                state.keep(*n, Rc::clone(bytes), used);
            }
            for waiting in waiting {
                // Who does not wait any more needs nothing.
                let _ = waiting.sender.send(fetched.clone());
            }
        }
        let max = self.kept_max();
        state.forget_oldest(max);
    }

    fn expected(&self, n: u32) -> u64 {
        let size = u64::from(self.version.chunk_size);
        self.length.saturating_sub(u64::from(n) * size).min(size)
    }

    fn kept_max(&self) -> usize {
        (KEPT_BYTES / self.bucket.readers.get().max(1)).min(KEPT_BYTES_OF_ONE)
    }
}

impl State {
    /// Notes a read, and tells whether it goes on where the one before ended.
    fn follow(&mut self, offset: u64, length: u64) -> bool {
        self.in_order = if offset == self.next { self.in_order.saturating_add(1) } else { 0 };
        self.next = offset + length;
        self.in_order > 0
    }

    fn keep(&mut self, n: u32, bytes: Bytes, used: u64) {
        self.kept += bytes.len();
        self.chunks.insert(n, Slot::Kept { bytes, used });
    }

    /// Takes a chunk that is kept away.
    fn take(&mut self, n: u32) -> Option<Bytes> {
        let Entry::Occupied(slot) = self.chunks.entry(n) else { return None };
        if !matches!(slot.get(), Slot::Kept { .. }) {
            return None;
        }
        let Slot::Kept { bytes, .. } = slot.remove() else { return None };
        self.kept -= bytes.len();
        Some(bytes)
    }

    fn is_too_much(&self, max: usize) -> bool {
        self.kept > max || self.chunks.len() > KEPT_CHUNKS_MAX
    }

    fn forget_oldest(&mut self, max: usize) {
        if !self.is_too_much(max) {
            return;
        }
        let kept = self.chunks.iter().filter_map(|(n, slot)| match slot {
            Slot::Kept { used, .. } => Some((*used, *n)),
            Slot::Loading(_) => None,
        });
        let mut kept: Vec<_> = kept.collect();
        kept.sort_unstable();
        for (_, oldest) in kept {
            if !self.is_too_much(max) {
                return;
            }
            self.take(oldest);
        }
    }
}

/// How many of the chunks that are wanted the next command is for; none as long as others have to come in first.
fn command_chunks(wanted: usize, commands: usize, chunk_size: usize) -> usize {
    let full = COMMAND_BYTES_MAX.checked_div(chunk_size).unwrap_or_default().clamp(1, CHUNKS_AT_ONCE);
    let most = if wanted >= full { COMMANDS } else { COMMANDS_IF_SMALL };
    if commands < most { wanted.min(full) } else { 0 }
}

fn number(n: u64) -> Result<u32, Failure> {
    u32::try_from(n).map_err(|_| Failure::Corrupt("a chunk past all numbers".to_owned()))
}

/// A chunk that is here, or that will be.
enum Coming {
    Here(Bytes),
    Later(oneshot::Receiver<Fetched>),
}

impl Coming {
    async fn get(self) -> Fetched {
        match self {
            Self::Here(bytes) => Ok(bytes),
            Self::Later(receiver) => {
                receiver.await.unwrap_or_else(|_| Err(Failure::Unusable("nobody fetches any more".to_owned())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_commands_go_beside_others_and_small_ones_wait() {
        const SIZE: usize = 255 << 10;
        assert_eq!([0, 1, 2].map(|commands| command_chunks(3, commands, SIZE)), [3, 3, 0]);
        assert_eq!([0, 1, 2, 3, 4].map(|commands| command_chunks(17, commands, SIZE)), [16, 16, 16, 16, 0]);
        assert_eq!(command_chunks(5000, 0, 1 << 10), CHUNKS_AT_ONCE);
        assert_eq!([1, 3, 4].map(|commands| command_chunks(2, commands, 15 << 20)), [1, 1, 0]);
    }
}
