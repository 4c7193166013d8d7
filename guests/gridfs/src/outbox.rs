//! Chunks on their way to the server: several in one command, several commands at once, and not more of them than there is
//! memory for.

use crate::bucket::{Bucket, encode_chunk};
use crate::failure::Failure;
use crate::system;
use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, doc};
use futures_channel::oneshot;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// The chunks of one command.
const COMMAND_BYTES: usize = 2 << 20;
const COMMANDS_MAX: usize = 4;
/// Who writes waits while more than this is under way.
const UNDER_WAY_BYTES: usize = 8 << 20;

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
        let is_enough = state.ready_bytes >= COMMAND_BYTES;
        drop(state);
        if is_enough {
            self.send_ready();
        }
    }

    /// Returns when there is room for more.
    pub async fn wait_for_room(self: &Rc<Self>) -> Result<(), Failure> {
        self.wait_until(|state| state.ready_bytes + state.under_way_bytes <= UNDER_WAY_BYTES).await
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
            let batch = self.next_command();
            if batch.is_empty() {
                return;
            }
            let outbox = Rc::clone(self);
            system::spawn(async move {
                let bytes = batch.iter().map(|outgoing| outgoing.data.len()).sum();
                let result = outbox.send(batch).await;
                outbox.is_sent(bytes, result);
                outbox.send_ready();
            });
        }
    }

    fn next_command(&self) -> Vec<Outgoing> {
        let mut state = self.state.borrow_mut();
        let mut batch: Vec<Outgoing> = vec![];
        if state.commands >= COMMANDS_MAX || state.failure.is_some() || state.is_stopped {
            return batch;
        }
        let mut bytes = 0;
        while let Some(next) = state.ready.front() {
            let is_other = batch.first().is_some_and(|first| first.is_again != next.is_again);
            if is_other || bytes > 0 && bytes + next.data.len() > COMMAND_BYTES {
                break;
            }
            bytes += next.data.len();
            batch.extend(state.ready.pop_front());
        }
        if !batch.is_empty() {
            state.commands += 1;
            state.ready_bytes -= bytes;
            state.under_way_bytes += bytes;
        }
        batch
    }

    async fn send(&self, batch: Vec<Outgoing>) -> Result<(), Failure> {
        let is_again = batch.first().is_some_and(|first| first.is_again);
        let mut documents = vec![];
        for Outgoing { n, data, .. } in batch {
            if is_again {
                let data = Binary { subtype: BinarySubtype::Generic, bytes: data };
                let filter = doc! { "files_id": self.file, "n": i64::from(n) };
                documents.extend(doc! { "q": filter, "u": { "$set": { "data": data } } }.to_vec()?);
            } else {
                documents.extend(encode_chunk(self.file, n, &data));
            }
        }
        if is_again {
            self.bucket.database.update_many(&self.bucket.chunks, documents).await.map(drop)
        } else {
            self.bucket.database.insert_own(&self.bucket.chunks, documents).await
        }
    }

    fn is_sent(&self, bytes: usize, result: Result<(), Failure>) {
        let mut state = self.state.borrow_mut();
        state.commands -= 1;
        state.under_way_bytes -= bytes;
        if let Err(failure) = result {
            state.failure.get_or_insert(failure);
            state.ready.clear();
            state.ready_bytes = 0;
        }
        for waiting in state.waiting.drain(..) {
            // Who does not wait any more needs no word.
            let _ = waiting.send(());
        }
    }
}
