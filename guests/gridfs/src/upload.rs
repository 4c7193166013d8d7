//! A version that is being written: its chunks go to the server as they fill up, and its document comes last, by which it is
//! published. What it begins with may be an older version, of which the chunks that were not touched are copied at the end.

mod publish;

use crate::bucket::{Bucket, CHUNKS_AT_ONCE, Kept, OpenPath};
use crate::failure::Failure;
use crate::outbox::Outbox;
use crate::reader::Reader;
use crate::runs::Runs;
use bson::oid::ObjectId;
use bson::{DateTime, doc};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use strongroom_guest::{Attributes, Error, ErrorCode, Result};

/// How many chunks are at hand at once that are not full yet, or were read to be changed.
const BUFFERS_MAX: usize = 8;
/// The most that one read gives.
const READ_BYTES_MAX: u64 = 1 << 20;
/// The most chunks of a file: they are numbered by 31 bits.
const CHUNKS_MAX: u64 = 1 << 31;
/// How many stretches of written chunks are kept track of: a file written so wildly is not written in one go.
const RUNS_MAX: usize = 100_000;

/// A version that is being written.
pub struct Upload {
    bucket: Rc<Bucket>,
    path: Rc<OpenPath>,
    id: ObjectId,
    chunk_size: u32,
    /// The name that is claimed for it alone.
    claimed: RefCell<Option<String>>,
    /// What it began with.
    base: Option<Rc<Reader>>,
    outbox: Rc<Outbox>,
    state: RefCell<State>,
    is_open: Cell<bool>,
}

struct State {
    length: u64,
    /// How much of the base still counts.
    base_length: u64,
    buffers: BTreeMap<u32, Buffer>,
    /// The chunks that were sent.
    sent: Runs,
    turn: u64,
    /// What it gets if nothing is there when it is published.
    new: Kept,
    /// What was set while it was open.
    set: Kept,
    renewed: DateTime,
}

struct Buffer {
    data: Vec<u8>,
    is_dirty: bool,
    used: u64,
}

impl Upload {
    /// Begins one that is to become `path`: with the contents of `base` if there is one, else empty. `claim` says for whom the
    /// name is claimed.
    pub async fn begin(
        bucket: &Rc<Bucket>,
        path: &Rc<OpenPath>,
        base: Option<Rc<Reader>>,
        new: Kept,
        claim: Option<ObjectId>,
    ) -> Result<Rc<Self>> {
        let id = claim.unwrap_or_default();
        bucket.ensure_indexes().await?;
        bucket.begin_record(id).await?;
        let length = base.as_ref().map_or(0, |base| base.length());
        let chunk_size = base.as_ref().map(|base| base.version().chunk_size).filter(|size| *size > 0);
        let upload = Rc::new(Self {
            bucket: Rc::clone(bucket),
            path: Rc::clone(path),
            id,
            chunk_size: chunk_size.unwrap_or(bucket.options.chunk_size),
            claimed: RefCell::new(claim.map(|_| path.get())),
            base,
            outbox: Outbox::new(bucket, id),
            state: RefCell::new(State {
                length,
                base_length: length,
                buffers: BTreeMap::new(),
                sent: Runs::default(),
                turn: 0,
                new,
                set: Kept::default(),
                renewed: bucket.database.now(),
            }),
            is_open: Cell::new(true),
        });
        bucket.add_upload(&upload);
        Ok(upload)
    }

    /// What it is to become.
    pub fn path(&self) -> &OpenPath {
        &self.path
    }

    /// Whether it is still being written.
    pub fn is_open(&self) -> bool {
        self.is_open.get()
    }

    /// The bytes that it has.
    pub fn length(&self) -> u64 {
        self.state.borrow().length
    }

    /// What a client is told of it.
    pub fn attributes(&self) -> Attributes {
        let state = self.state.borrow();
        let old = self.base.as_ref().map(|base| base.version().kept.clone().without_times());
        let kept = state.set.clone().or(old.unwrap_or_else(|| state.new.clone()));
        kept.describe(Attributes::file(state.length), Some(self.bucket.database.now()))
    }

    /// Sets what is kept of it.
    pub fn set(&self, kept: Kept) {
        let mut state = self.state.borrow_mut();
        state.set = kept.or(state.set.clone());
    }

    /// Writes all of `data` at `offset`.
    pub async fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.outbox.check()?;
        let end = offset.checked_add(data.len() as u64).ok_or(ErrorCode::FileTooLarge)?;
        self.check_length(end)?;
        self.renew().await?;
        if data.is_empty() {
            return Ok(());
        }
        if end > self.length() {
            self.complete_tail(offset).await?;
        }
        let size = u64::from(self.chunk_size);
        let (mut offset, mut rest) = (offset, data);
        while !rest.is_empty() {
            let n = number(offset / size)?;
            let start = offset % size;
            let count = usize::try_from(size - start).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at(count);
            let end = start + count as u64;
            self.load(n, start == 0 && (end == size || offset + count as u64 >= self.length())).await?;
            self.put(n, usize::try_from(start).unwrap_or_default(), now)?;
            rest = later;
            offset += count as u64;
            self.lengthen(offset);
            if end == size {
                self.ship(n, false)?;
            }
            self.make_room()?;
            self.outbox.wait_for_room().await?;
        }
        Ok(())
    }

    fn lengthen(&self, end: u64) {
        let mut state = self.state.borrow_mut();
        state.length = state.length.max(end);
    }

    fn put(&self, n: u32, start: usize, bytes: &[u8]) -> Result<()> {
        let mut state = self.state.borrow_mut();
        state.turn += 1;
        let used = state.turn;
        let buffer = state.buffers.get_mut(&n).ok_or_else(|| not_at_hand(n))?;
        (buffer.is_dirty, buffer.used) = (true, used);
        let end = start + bytes.len();
        if buffer.data.len() < start {
            buffer.data.resize(start, 0);
        }
        if buffer.data.len() == start {
            buffer.data.extend_from_slice(bytes);
            return Ok(());
        }
        if buffer.data.len() < end {
            buffer.data.resize(end, 0);
        }
        if let Some(target) = buffer.data.get_mut(start..end) {
            target.copy_from_slice(bytes);
        }
        Ok(())
    }

    /// Up to `length` bytes from `offset` on, of what was written so far.
    pub async fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        let size = u64::from(self.chunk_size);
        let length = length.min(READ_BYTES_MAX).min(size * CHUNKS_AT_ONCE as u64);
        let end = offset.saturating_add(length).min(self.length());
        let mut data = vec![];
        let mut offset = offset;
        while offset < end {
            let n = number(offset / size)?;
            let start = usize::try_from(offset % size).unwrap_or_default();
            let count = usize::try_from((size - offset % size).min(end - offset)).unwrap_or_default();
            self.load(n, false).await?;
            let until = data.len() + count;
            let state = self.state.borrow();
            let buffer = state.buffers.get(&n).ok_or_else(|| not_at_hand(n))?;
            let there = buffer.data.get(start..).unwrap_or_default();
            data.extend_from_slice(there.get(..count).unwrap_or(there));
            drop(state);
            data.resize(until, 0);
            offset += count as u64;
            self.make_room()?;
        }
        Ok(data)
    }

    /// Cuts it, or makes it longer by zeros.
    pub async fn resize(&self, length: u64) -> Result<()> {
        self.outbox.check()?;
        self.check_length(length)?;
        let old = self.length();
        if length > old {
            self.complete_tail(length).await?;
        } else if length < old {
            self.cut(length).await?;
        }
        self.state.borrow_mut().length = length;
        Ok(())
    }

    async fn cut(&self, length: u64) -> Result<()> {
        let size = u64::from(self.chunk_size);
        let (kept, rest) = (length.div_ceil(size), length % size);
        self.outbox.drain().await?;
        if rest > 0 && self.state.borrow().sent.contains(number(kept - 1)?) {
            self.load(number(kept - 1)?, false).await?;
        }
        let sent_end = u64::from(self.state.borrow_mut().cut(number(kept)?, length, rest));
        if sent_end > kept {
            self.bucket.delete_chunks(&self.id.into(), number(kept)?).await?;
        }
        Ok(())
    }

    /// Before it grows past its last chunk: that one is to be full then, if it has been sent or is of the base.
    async fn complete_tail(&self, start: u64) -> Result<()> {
        let size = u64::from(self.chunk_size);
        let length = self.length();
        if length.is_multiple_of(size) || start / size == length / size && start <= length {
            return Ok(());
        }
        let n = number(length / size)?;
        let is_there = {
            let state = self.state.borrow();
            state.sent.contains(n) || length / size * size < state.base_length
        };
        if is_there {
            self.load(n, false).await?;
            if let Some(buffer) = self.state.borrow_mut().buffers.get_mut(&n) {
                buffer.is_dirty = true;
            }
        }
        Ok(())
    }

    /// Has the chunk at hand; empty if all of it `is_overwritten` anyway.
    async fn load(&self, n: u32, is_overwritten: bool) -> Result<()> {
        if self.touch(n) {
            return Ok(());
        }
        let data = if is_overwritten { vec![] } else { self.content(n).await? };
        let mut state = self.state.borrow_mut();
        state.turn += 1;
        let used = state.turn;
        // Another read may have been faster.
        state.buffers.entry(n).or_insert(Buffer { data, is_dirty: false, used });
        Ok(())
    }

    fn touch(&self, n: u32) -> bool {
        let mut state = self.state.borrow_mut();
        state.turn += 1;
        let turn = state.turn;
        state.buffers.get_mut(&n).map(|buffer| buffer.used = turn).is_some()
    }

    /// What a chunk holds that is not at hand; shorter than it is where zeros follow.
    async fn content(&self, n: u32) -> Result<Vec<u8>> {
        let size = u64::from(self.chunk_size);
        let start = u64::from(n) * size;
        let (is_sent, base_length) = {
            let state = self.state.borrow();
            (state.sent.contains(n), state.base_length)
        };
        if is_sent {
            self.outbox.drain().await?;
            let chunks = self.bucket.read_chunks(&self.id.into(), &[n]).await?;
            let chunk = chunks.into_iter().find(|chunk| chunk.n == n && chunk.data.len() as u64 <= size);
            let missing = || Failure::Corrupt(format!("chunk {n} is gone while its file is written"));
            return Ok(chunk.ok_or_else(missing)?.data);
        }
        match &self.base {
            Some(base) if start < base_length => Ok(base.read(start, size.min(base_length - start)).await?),
            _ => Ok(vec![]),
        }
    }

    /// Sends a chunk that is at hand, as long as it has to be; `is_kept`, it stays at hand.
    fn ship(&self, n: u32, is_kept: bool) -> Result<()> {
        let mut state = self.state.borrow_mut();
        let Some(mut buffer) = state.buffers.remove(&n) else { return Ok(()) };
        let wanted = state.length.saturating_sub(u64::from(n) * u64::from(self.chunk_size)).min(self.chunk_size.into());
        if wanted == 0 {
            return Ok(());
        }
        buffer.data.resize(usize::try_from(wanted).unwrap_or_default(), 0);
        let is_again = state.sent.contains(n);
        state.sent.insert(n);
        if state.sent.count() > RUNS_MAX {
            return Err(Error::new(ErrorCode::NoSpace).with_detail("a file was written in too many places at once"));
        }
        if is_kept {
            let clean = Buffer { data: buffer.data.clone(), is_dirty: false, used: buffer.used };
            state.buffers.insert(n, clean);
        }
        drop(state);
        self.outbox.push(n, buffer.data, is_again);
        Ok(())
    }

    /// Puts away what was used longest ago.
    fn make_room(&self) -> Result<()> {
        loop {
            let oldest = {
                let state = self.state.borrow();
                if state.buffers.len() <= BUFFERS_MAX {
                    return Ok(());
                }
                let oldest = state.buffers.iter().min_by_key(|(_, buffer)| buffer.used);
                oldest.map(|(n, buffer)| (*n, buffer.is_dirty))
            };
            match oldest {
                Some((n, true)) => self.ship(n, false)?,
                Some((n, false)) => drop(self.state.borrow_mut().buffers.remove(&n)),
                None => return Ok(()),
            }
        }
    }

    fn ship_all(&self, is_kept: bool) -> Result<()> {
        let dirty: Vec<u32> = {
            let state = self.state.borrow();
            state.buffers.iter().filter(|(_, buffer)| buffer.is_dirty).map(|(n, _)| *n).collect()
        };
        dirty.into_iter().try_for_each(|n| self.ship(n, is_kept))
    }

    /// Returns when what was written so far is on the server's disk.
    pub async fn sync(&self) -> Result<()> {
        self.ship_all(true)?;
        self.outbox.drain().await?;
        self.check_record(self.bucket.renew_record(self.id, true).await?)
    }

    /// Gives back what it began with.
    pub fn close(&self) {
        if let Some(base) = &self.base {
            base.close();
        }
    }

    /// Shows now and then that it is alive.
    async fn renew(&self) -> Result<()> {
        let now = self.bucket.database.now();
        let age = now.timestamp_millis().saturating_sub(self.state.borrow().renewed.timestamp_millis());
        if age < self.bucket.options.orphan_age_ms / 4 {
            return Ok(());
        }
        self.state.borrow_mut().renewed = now;
        let claimed = self.claimed.borrow().clone();
        if let Some(path) = claimed {
            let filter = doc! { "_id": path, "kind": "claim", "by": self.id };
            self.bucket.database.update(&self.bucket.names, filter, doc! { "$set": { "renewed": now } }).await?;
        }
        self.check_record(self.bucket.renew_record(self.id, false).await?)
    }

    fn check_record(&self, is_ours: bool) -> Result<()> {
        if is_ours {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Conflict).with_detail("an upload showed no life for so long that it was given up"))
    }

    fn check_length(&self, length: u64) -> Result<()> {
        if length > CHUNKS_MAX * u64::from(self.chunk_size) - 1 { Err(ErrorCode::FileTooLarge.into()) } else { Ok(()) }
    }
}

impl State {
    /// Forgets what is past `length`: whole chunks from `first_cut` on, and all but `rest` bytes of the one before, if `rest`
    /// is not 0. Returns the end of what had been sent.
    fn cut(&mut self, first_cut: u32, length: u64, rest: u64) -> u32 {
        self.buffers.retain(|n, _| *n < first_cut);
        if rest > 0
            && let Some(buffer) = self.buffers.get_mut(&(first_cut - 1))
        {
            buffer.data.truncate(usize::try_from(rest).unwrap_or_default());
            buffer.is_dirty = true;
        }
        self.base_length = self.base_length.min(length);
        let end = self.sent.end();
        self.sent.truncate(first_cut);
        end
    }
}

fn not_at_hand(n: u32) -> Error {
    Error::failure(format_args!("chunk {n} is not at hand, though it was a moment ago"))
}

fn number(n: u64) -> Result<u32> {
    u32::try_from(n).map_err(|_| ErrorCode::FileTooLarge.into())
}
