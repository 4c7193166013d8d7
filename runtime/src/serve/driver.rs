//! The loop that carries bytes, calls and answers between a client, the protocol and an instance.
//!
//! Order in one round: answers first, then every call that can start, then the guest runs until it can only wait, and
//! only then are replies sent and requests received; what was waited for is received at once. So many requests come out
//! of one read and many replies go into one write. What a guest handed over as a native file is read and written here, without entering the guest.

use super::session::End;
use super::{Transport, Wanted};
use crate::limits::Limits;
use crate::sandbox::{Calls, Fault, Finished, NativeFile, StorageSession};
use crate::sftp::{self, CallId};
use crate::storage::{Answer, Call, Connected, Error};
use futures_util::stream::{FuturesUnordered, Stream};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, Sleep};

/// Closed resources of the guest that are dropped in one go.
const DROP_BATCH: usize = 64;

/// With so many of them no call is started until they are dropped.
const MAX_CLOSED_RESOURCES: usize = 1024;

/// Replies are sent on when they come to this many bytes, while more are still being made: so much fits into the
/// processor's cache, where it is copied in half the time.
const NATIVE_BATCH_BYTES: usize = 256 << 10;

/// The same where the guest reads, which copies each byte once more on its way; nor is it asked for more at once, unless
/// it waits.
const GUEST_BATCH_BYTES: usize = 128 << 10;

/// After this time a guest that never waits is given no further call until the client and the operator were looked at.
const LONGEST_BATCH: Duration = Duration::from_millis(50);

/// Why the loop left the instance.
pub enum Turn {
    /// To drop what was closed, and come back.
    DropClosed,
    Finished(End),
}

/// One session's side of the loop. It outlives instances.
pub struct Driver<T, O> {
    transport: T,
    /// To be called once the client has said INIT.
    opened: Option<O>,
    protocol: sftp::Session,
    storage: StorageSession,
    /// Why the session ends, once it does.
    end: Option<End>,
    /// Until INIT has come: the login time-out. After the end: the patience with files that close.
    timer: Pin<Box<Sleep>>,
    end_timeout: Duration,
    /// The instance has run until it can only wait.
    guest_waits: bool,
    /// There are calls left that were not started with the last ones.
    has_more_calls: bool,
    /// How much is read before replies are sent, by who read last.
    batch_bytes: usize,
    /// Something may have arrived since the last look.
    may_receive: bool,
    /// The client may take something: the last send was not cut short.
    may_send: bool,
    /// A call that closed something by having it dropped, which is not done yet.
    dropping: Option<CallId>,
}

type Pending<F> = FuturesUnordered<F>;

impl<T: Transport, O: FnOnce()> Driver<T, O> {
    pub fn new(transport: T, opened: O, protocol: sftp::Session, storage: StorageSession, limits: &Limits) -> Self {
        Self {
            transport,
            opened: Some(opened),
            protocol,
            storage,
            end: None,
            timer: Box::pin(tokio::time::sleep(limits.login_timeout)),
            end_timeout: limits.end_timeout,
            guest_waits: false,
            has_more_calls: false,
            batch_bytes: GUEST_BATCH_BYTES,
            may_receive: true,
            may_send: true,
            dropping: None,
        }
    }

    /// The storage session of the present instance.
    pub fn storage(&mut self) -> &mut StorageSession {
        &mut self.storage
    }

    pub fn transport(&mut self) -> &mut T {
        &mut self.transport
    }

    /// The instance is gone. Gives whether the session was ending anyway.
    pub fn storage_lost(&mut self) -> bool {
        self.dropping = None;
        self.protocol.storage_lost();
        self.end.is_some()
    }

    /// No instance comes any more: the client still gets the replies that are ready, if it takes them in time.
    pub async fn give_up(&mut self) {
        self.finish(End::Fault, false);
        poll_fn(|context| {
            loop {
                if self.protocol.output().is_empty() || self.is_overdue(context) {
                    return Poll::Ready(());
                }
                if !self.send_by(T::send) && ready!(self.wait(context, true)).is_err() {
                    return Poll::Ready(());
                }
            }
        })
        .await;
    }

    /// The session goes on with a fresh instance.
    pub fn storage_restored(&mut self, storage: StorageSession, connected: Connected) {
        self.storage = storage;
        self.protocol.storage_restored(connected);
    }

    /// Runs the session on an instance.
    pub async fn run(&mut self, calls: &Calls<'_>) -> Result<Turn, Fault> {
        if let Some(id) = self.dropping.take() {
            self.protocol.complete(id, Ok(Answer::Done));
        }
        let mut pending = Pending::new();
        let start = |storage: &mut StorageSession, id: CallId, call: Call<'_>| {
            let finished = calls.start(storage, call);
            async move { (id, finished.await) }
        };
        poll_fn(|context| self.poll(context, calls, &mut pending, &start)).await
    }

    fn poll<F>(
        &mut self,
        context: &mut Context<'_>,
        calls: &Calls<'_>,
        pending: &mut Pending<F>,
        start: &impl Fn(&mut StorageSession, CallId, Call<'_>) -> F,
    ) -> Poll<Result<Turn, Fault>>
    where
        F: Future<Output = (CallId, Result<Finished, Fault>)>,
    {
        loop {
            // What a session made has ended before the session does.
            if self.end.is_some() && pending.is_empty() && self.storage.must_drop() && !self.drop_closed(calls)? {
                return Poll::Ready(Ok(Turn::DropClosed));
            }
            calls.turn();
            let mut progress = self.collect(context, pending)?;
            let full = self.storage.closed_resources() >= MAX_CLOSED_RESOURCES;
            if !full {
                progress |= self.start_calls(calls, pending, start)?;
            }
            if progress {
                self.guest_waits = false;
            }
            self.note_init();
            // A call begins when it is first polled, and the guest runs when this function returns.
            if !pending.is_empty() && !self.guest_waits {
                if progress && self.collect(context, pending)? {
                    continue;
                }
                if !calls.is_waiting() {
                    calls.let_run();
                    return Poll::Pending;
                }
                self.guest_waits = true;
                if self.has_more_calls {
                    continue;
                }
            }
            if self.protocol.is_finished() && pending.is_empty() && self.protocol.output().is_empty() {
                return Poll::Ready(Ok(Turn::Finished(self.end.take().unwrap_or(End::EndOfInput))));
            }
            let must_drop = self.dropping.is_some() || self.storage.closed_resources() >= DROP_BATCH;
            if pending.is_empty() && must_drop && !self.drop_closed(calls)? {
                return Poll::Ready(Ok(Turn::DropClosed));
            }
            let is_alone = pending.is_empty() && calls.is_idle(context);
            let has_exchanged = self.exchange(is_alone);
            let has_ended = self.watch_ends(context);
            if matches!(self.end, Some(End::EndTimeout)) {
                return Poll::Ready(Ok(Turn::Finished(End::EndTimeout)));
            }
            if has_ended || has_exchanged && !(pending.is_empty() && self.is_quiet()) {
                continue;
            }
            // A batch of a guest that never waits was broken off.
            if calls.never_waits() && self.has_more_calls && self.protocol.output().is_empty() {
                (self.may_receive, self.may_send) = (true, true);
                continue;
            }
            calls.prepare();
            match self.wait(context, is_alone) {
                Poll::Ready(Ok(())) => {
                    if self.wants_input() {
                        self.receive();
                    }
                }
                Poll::Ready(Err(error)) => self.finish(End::ClientGone(error), false),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Drops what was closed, unless the loop must leave the instance for that.
    fn drop_closed(&mut self, calls: &Calls<'_>) -> Result<bool, Fault> {
        if calls.never_waits() {
            calls.drop_closed(&mut self.storage)?;
        }
        Ok(calls.never_waits())
    }

    fn note_init(&mut self) {
        if self.opened.is_some()
            && self.protocol.has_seen_init()
            && let Some(opened) = self.opened.take()
        {
            opened();
        }
    }

    /// Takes the answers that are there; true if there were any.
    fn collect<F>(&mut self, context: &mut Context<'_>, pending: &mut Pending<F>) -> Result<bool, Fault>
    where
        F: Future<Output = (CallId, Result<Finished, Fault>)>,
    {
        let mut any = false;
        if pending.is_empty() {
            return Ok(any);
        }
        while let Poll::Ready(Some((id, finished))) = Pin::new(&mut *pending).poll_next(context) {
            let answer = self.storage.settle(finished?);
            self.protocol.complete(id, answer);
            any = true;
        }
        Ok(any)
    }

    /// Starts what the protocol has to start, until it has no more or enough replies are ready to be sent.
    fn start_calls<F>(
        &mut self,
        calls: &Calls<'_>,
        pending: &mut Pending<F>,
        start: &impl Fn(&mut StorageSession, CallId, Call<'_>) -> F,
    ) -> Result<bool, Fault> {
        let (mut any, mut asked_bytes) = (false, 0);
        let mut begun = None;
        self.has_more_calls = true;
        while self.protocol.output().len() + asked_bytes < self.batch_bytes {
            match self.protocol.next_call() {
                Ok(Some(started)) => {
                    any = true;
                    let (id, call) = (started.id, started.call);
                    if let Some((file, offset)) = native_read(&self.storage, &call) {
                        self.batch_bytes = NATIVE_BATCH_BYTES;
                        self.protocol.complete_read(id, |buffer, length| file.read_into(offset, length, buffer));
                    } else if let Some(answer) = native_answer(&self.storage, &call) {
                        self.protocol.complete(id, answer);
                    } else if may_close_native(self.end.as_ref(), &self.storage)
                        && let Some(answer) = calls.close_native(&mut self.storage, &call)
                    {
                        self.protocol.complete(id, answer);
                        if pending.is_empty() && !may_close_native(self.end.as_ref(), &self.storage) {
                            break;
                        }
                    } else {
                        let bytes = read_bytes(&call);
                        if bytes > 0 {
                            self.batch_bytes = GUEST_BATCH_BYTES;
                        }
                        if calls.never_waits() {
                            let begun = *begun.get_or_insert_with(std::time::Instant::now);
                            let answer = calls.answer(&mut self.storage, call)?;
                            self.protocol.complete(id, answer);
                            if begun.elapsed() >= LONGEST_BATCH {
                                break;
                            }
                        } else if pending.is_empty() && self.storage.close_by_drop(&call).is_some() {
                            self.dropping = Some(id);
                            // What was started now would have to return before anything can be dropped.
                            break;
                        } else {
                            asked_bytes += bytes;
                            pending.push(start(&mut self.storage, id, call));
                        }
                    }
                }
                Ok(None) => {
                    self.has_more_calls = false;
                    break;
                }
                // The end has calls of its own, to be started before anything is waited for.
                Err(fatal) => self.finish(End::Protocol(fatal), false),
            }
        }
        Ok(any)
    }

    /// Sends and receives what can be sent and received now; true if anything was. A thread with nothing else to wait
    /// for sleeps while it sends: to be woken for each part that the client takes costs more than the copying.
    fn exchange(&mut self, is_alone: bool) -> bool {
        let sent = if is_alone && !self.is_timed() { self.send_by(T::send_asleep) } else { self.send_by(T::send) };
        if self.may_receive && self.wants_input() { self.receive() || sent } else { sent }
    }

    /// Nothing is left to do of what has come. The first packet may be refused before it has come whole.
    fn is_quiet(&self) -> bool {
        let has_work = self.has_more_calls || self.protocol.has_packet() || !self.protocol.has_seen_init();
        self.wants_input() && !has_work
    }

    /// A client that does not take its replies is not listened to meanwhile.
    fn wants_input(&self) -> bool {
        self.end.is_none() && self.protocol.output().is_empty() && self.protocol.wants_input()
    }

    fn send_by(&mut self, send: impl FnOnce(&mut T, &[u8]) -> io::Result<Option<usize>>) -> bool {
        let length = self.protocol.output().len();
        if length == 0 || !self.may_send {
            return false;
        }
        match send(&mut self.transport, self.protocol.output()) {
            Ok(Some(sent)) => {
                self.may_send = sent == length;
                self.protocol.sent(sent);
            }
            Ok(None) => {
                self.may_send = false;
                return false;
            }
            Err(error) => {
                self.protocol.sent(self.protocol.output().len());
                self.finish(End::ClientGone(error), false);
            }
        }
        true
    }

    fn receive(&mut self) -> bool {
        let input = self.protocol.input();
        let room = input.capacity() - input.len();
        let received = self.transport.receive(input);
        // Less than there was room for: nothing is left, and asking again would only say so.
        self.may_receive = matches!(received, Ok(Some(received)) if received == room);
        match received {
            Ok(Some(0)) => self.finish(End::EndOfInput, true),
            Ok(Some(_)) => self.protocol.set_now(unix_seconds()),
            Ok(None) => return false,
            Err(error) => self.finish(End::ClientGone(error), false),
        }
        true
    }

    /// Waits for the client or the operator, asleep if there is nothing else to wait for.
    fn wait(&mut self, context: &mut Context<'_>, is_alone: bool) -> Poll<io::Result<()>> {
        let wanted = Wanted { receive: self.wants_input(), send: !self.protocol.output().is_empty() };
        let deadline = self.is_timed().then(|| self.timer.deadline().into_std());
        if !(is_alone && self.transport.block_until_ready(wanted, deadline)?) {
            ready!(self.transport.poll_ready(context, wanted))?;
        }
        self.may_receive = true;
        self.may_send = true;
        Poll::Ready(Ok(()))
    }

    /// The operator's wish and the time-outs; true if one of them ended the session now.
    fn watch_ends(&mut self, context: &mut Context<'_>) -> bool {
        if self.end.is_none() && self.transport.is_terminated() {
            self.finish(End::Terminated, false);
            return true;
        }
        if self.is_timed() && self.is_overdue(context) {
            if self.end.is_some() {
                self.end = Some(End::EndTimeout);
                return false;
            }
            self.finish(End::LoginTimeout, false);
            return true;
        }
        false
    }

    /// The clock is asked too, because a timer of the event loop stands still while `wait` sleeps outside of it.
    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        self.timer.as_mut().poll(context).is_ready() || Instant::now() >= self.timer.deadline()
    }

    fn is_timed(&self) -> bool {
        self.end.is_some() || !self.protocol.has_seen_init()
    }

    /// The first reason is the one that is told.
    fn finish(&mut self, end: End, serve_received: bool) {
        if self.end.is_none() {
            self.end = Some(match end {
                End::EndOfInput if !self.protocol.has_seen_init() => End::NoInit(None),
                End::Protocol(fatal) if !self.protocol.has_seen_init() => End::NoInit(Some(fatal)),
                end => end,
            });
            self.protocol.end(serve_received);
            self.timer.as_mut().reset(Instant::now() + self.end_timeout);
        }
    }
}

/// A read that goes from a native file straight into the output.
fn native_read<'a>(storage: &'a StorageSession, call: &Call<'_>) -> Option<(&'a NativeFile, u64)> {
    match call {
        Call::Read { file, offset, .. } => Some((storage.native(*file)?, *offset)),
        _ => None,
    }
}

/// Not without bound, and not once the session ends, when all is to be dropped before it.
fn may_close_native(end: Option<&End>, storage: &StorageSession) -> bool {
    end.is_none() && storage.closed_resources() < DROP_BATCH
}

/// How much a call may bring.
fn read_bytes(call: &Call<'_>) -> usize {
    match call {
        Call::Read { length, .. } => usize::try_from(*length).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// The answer to another call that the host does by itself on native files.
fn native_answer(storage: &StorageSession, call: &Call<'_>) -> Option<Result<Answer, Error>> {
    match call {
        Call::Write { file, offset, data } => {
            Some(storage.native(*file)?.write_all(*offset, data).map(|()| Answer::Done))
        }
        Call::FileSync { file } => Some(storage.native(*file)?.sync().map(|()| Answer::Done)),
        Call::Copy { source, source_offset, length, destination, destination_offset } => {
            let (source, destination) = (storage.native(*source)?, storage.native(*destination)?);
            let copied = source.copy_to(*source_offset, *length, destination, *destination_offset);
            Some(copied.map(Answer::Copied))
        }
        _ => None,
    }
}

fn unix_seconds() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
