//! Chunks on their way to the server: several in one command, several commands at once, and not more of them than there is
//! memory for. Two commands at once may arrive in any order, so that no two of them ever hold the same chunk.

use crate::bucket::{Bucket, CHUNKS_AT_ONCE, encode_chunks};
use crate::failure::Failure;
use crate::system;
use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, doc};
use futures_channel::oneshot;
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

/// The chunks of one command.
const COMMAND_BYTES: usize = 2 << 20;
const COMMANDS_MAX: usize = 4;
/// Who writes waits while more than this is under way.
const UNDER_WAY_BYTES: usize = 8 << 20;
const UNDER_WAY_CHUNKS: usize = COMMANDS_MAX * CHUNKS_AT_ONCE;

/// The chunks of one file that are under way.
pub struct Outbox {
    bucket: Rc<Bucket>,
    file: ObjectId,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Outgoing>,
    ready_bytes: usize,
    commands: usize,
    under_way_bytes: usize,
    /// The numbers of the chunks that are under way.
    under_way: BTreeSet<u32>,
    /// The first failure: what was written is of no use from then on.
    failure: Option<Failure>,
    is_stopped: bool,
    waiting: Vec<oneshot::Sender<()>>,
}

struct Outgoing {
    n: u32,
    data: Vec<u8>,
    /// Whether it takes the place of one that was sent before.
    is_again: bool,
}

impl Outbox {
    /// For the chunks of that file.
    pub fn new(bucket: &Rc<Bucket>, file: ObjectId) -> Rc<Self> {
        Rc::new(Self { bucket: Rc::clone(bucket), file, state: RefCell::default() })
    }

    /// Fails if anything failed.
    pub fn check(&self) -> Result<(), Failure> {
        self.state.borrow().failure.clone().map_or(Ok(()), Err)
    }

    /// Takes a chunk to be sent.
    pub fn push(self: &Rc<Self>, n: u32, data: Vec<u8>, is_again: bool) {
        let mut state = self.state.borrow_mut();
        state.ready_bytes += data.len();
        state.ready.push_back(Outgoing { n, data, is_again });
        let is_enough = state.ready_bytes >= COMMAND_BYTES || state.ready.len() >= CHUNKS_AT_ONCE;
        drop(state);
        if is_enough {
            self.send_ready();
        }
    }

    /// Returns when there is room for more.
    pub async fn wait_for_room(self: &Rc<Self>) -> Result<(), Failure> {
        self.wait_until(State::has_room).await
    }

    /// Returns when everything is there.
    pub async fn drain(self: &Rc<Self>) -> Result<(), Failure> {
        self.send_ready();
        self.wait_until(|state| {
            let is_sent = state.ready.is_empty();
            is_sent && state.commands == 0
        })
        .await
    }

    /// Gives up: returns when nothing is under way.
    pub async fn stop(self: &Rc<Self>) {
        self.forget_ready();
        // What fails does not matter any more.
        let _ = self.wait_until(|state| state.commands == 0).await;
    }

    fn forget_ready(&self) {
        let mut state = self.state.borrow_mut();
        state.is_stopped = true;
        state.ready.clear();
        state.ready_bytes = 0;
    }

    async fn wait_until(self: &Rc<Self>, is_so: impl Fn(&State) -> bool) -> Result<(), Failure> {
        loop {
            let receiver = {
                let mut state = self.state.borrow_mut();
                if state.failure.is_some() && state.commands == 0 || is_so(&state) {
                    return state.failure.clone().map_or(Ok(()), Err);
                }
                let (sender, receiver) = oneshot::channel();
                state.waiting.push(sender);
                receiver
            };
            self.send_ready();
            // Whoever is gone has nothing under way.
            let _ = receiver.await;
        }
    }

    fn send_ready(self: &Rc<Self>) {
        loop {
            let batch = self.state.borrow_mut().next_command();
            if batch.is_empty() {
                return;
            }
            let outbox = Rc::clone(self);
            system::spawn(async move {
                let numbers: Vec<u32> = batch.iter().map(|outgoing| outgoing.n).collect();
                let bytes = batch.iter().map(|outgoing| outgoing.data.len()).sum();
                let result = outbox.send(batch).await;
                outbox.state.borrow_mut().is_sent(&numbers, bytes, result);
                outbox.send_ready();
            });
        }
    }

    async fn send(&self, batch: Vec<Outgoing>) -> Result<(), Failure> {
        if batch.first().is_some_and(|first| first.is_again) {
            self.replace(batch).await
        } else {
            self.insert(batch).await
        }
    }

    async fn insert(&self, batch: Vec<Outgoing>) -> Result<(), Failure> {
        let chunks = batch.iter().map(|outgoing| (outgoing.n, outgoing.data.as_slice()));
        let documents = encode_chunks(self.file, chunks);
        drop(batch);
        self.bucket.database.insert_own(&self.bucket.chunks, documents).await
    }

    async fn replace(&self, batch: Vec<Outgoing>) -> Result<(), Failure> {
        let count = batch.len() as i64;
        let mut updates = vec![];
        for Outgoing { n, data, .. } in batch {
            let data = Binary { subtype: BinarySubtype::Generic, bytes: data };
            let filter = doc! { "files_id": self.file, "n": i64::from(n) };
            updates.extend(doc! { "q": filter, "u": { "$set": { "data": data } } }.to_vec()?);
        }
        if self.bucket.database.update_many(&self.bucket.chunks, updates).await?.matched < count {
            return Err(Failure::Corrupt("a chunk is gone while its file is written".to_owned()));
        }
        Ok(())
    }
}

impl State {
    fn has_room(&self) -> bool {
        let chunks = self.ready.len() + self.under_way.len();
        self.ready_bytes + self.under_way_bytes <= UNDER_WAY_BYTES && chunks <= UNDER_WAY_CHUNKS
    }

    /// What can be sent now: nothing that holds a chunk which is under way already.
    fn next_command(&mut self) -> Vec<Outgoing> {
        let mut batch: Vec<Outgoing> = vec![];
        if self.commands >= COMMANDS_MAX || self.failure.is_some() || self.is_stopped {
            return batch;
        }
        let mut bytes = 0;
        while let Some(next) = self.ready.front() {
            let is_other = batch.first().is_some_and(|first| first.is_again != next.is_again);
            let is_full = bytes > 0 && bytes + next.data.len() > COMMAND_BYTES || batch.len() >= CHUNKS_AT_ONCE;
            if is_other || is_full || !self.under_way.insert(next.n) {
                break;
            }
            bytes += next.data.len();
            batch.extend(self.ready.pop_front());
        }
        if !batch.is_empty() {
            self.commands += 1;
            self.ready_bytes -= bytes;
            self.under_way_bytes += bytes;
        }
        batch
    }

    fn is_sent(&mut self, numbers: &[u32], bytes: usize, result: Result<(), Failure>) {
        self.commands -= 1;
        self.under_way_bytes -= bytes;
        for n in numbers {
            self.under_way.remove(n);
        }
        if let Err(failure) = result {
            self.failure.get_or_insert(failure);
            self.ready.clear();
            self.ready_bytes = 0;
        }
        for waiting in self.waiting.drain(..) {
            // Who does not wait any more needs no word.
            let _ = waiting.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(ready: &[(u32, bool)]) -> State {
        let outgoing = |(n, is_again): &(u32, bool)| Outgoing { n: *n, data: vec![0; 10], is_again: *is_again };
        State { ready: ready.iter().map(outgoing).collect(), ready_bytes: ready.len() * 10, ..State::default() }
    }

    fn next(state: &mut State) -> Vec<u32> {
        state.next_command().iter().map(|outgoing| outgoing.n).collect()
    }

    #[test]
    fn a_chunk_waits_for_the_same_chunk_and_for_no_other() {
        let mut state = state(&[(0, false), (1, false), (7, true), (1, true), (2, false), (1, true)]);
        assert_eq!(next(&mut state), [0, 1]);
        assert_eq!(next(&mut state), [7], "others go beside it");
        assert_eq!(next(&mut state), [0; 0], "the first 1 is under way");
        state.is_sent(&[7], 10, Ok(()));
        assert_eq!(next(&mut state), [0; 0], "and still is");
        state.is_sent(&[0, 1], 20, Ok(()));
        assert_eq!((next(&mut state), next(&mut state)), (vec![1], vec![2]));
        assert_eq!(next(&mut state), [0; 0], "the second 1 is under way");
        state.is_sent(&[1], 10, Ok(()));
        assert_eq!(next(&mut state), [1]);
        state.is_sent(&[2], 10, Ok(()));
        state.is_sent(&[1], 10, Ok(()));
        assert_eq!((state.commands, state.under_way_bytes, state.ready_bytes), (0, 0, 0));
    }

    #[test]
    fn chunks_are_counted_however_small() {
        let ready: Vec<_> = (0..5000).map(|n| (n, false)).collect();
        let mut state = state(&ready);
        assert!(!state.has_room());
        assert_eq!(next(&mut state).len(), 1000);
        state.is_sent(&(0..1000).collect::<Vec<_>>(), 10_000, Ok(()));
        assert!(state.has_room());
    }

    #[test]
    fn one_command_never_holds_a_chunk_twice() {
        let mut state = state(&[(3, true), (4, true), (3, true)]);
        assert_eq!(next(&mut state), [3, 4]);
        assert_eq!(next(&mut state), [0; 0]);
    }
}
