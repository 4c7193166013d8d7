//! A session: received bytes in, storage calls out; answers in, bytes to send out. It does no I/O and knows no clock.

use super::accept::Incoming;
use super::core::{Begun, BegunCall, Core, End};
use super::input::Input;
use super::options::Options;
use super::packet;
use super::request::{Request, Unparsed};
use super::status::Status;
use super::task::{Data, Task};
use super::wire::Reader;
use super::{CallId, Fatal, Started};
use crate::storage::{self, Answer, Call, Connected};
use crate::vis::Vis;
use std::ops::Range;
use tracing::{debug, info};

/// What a request is called that is too short to say its id.
const NO_ID: u32 = 0;

/// So much of the name of an extension that nobody knows is told to the log.
const SHOWN_NAME_BYTES: usize = 100;

/// One client's session with one storage.
///
/// The caller appends what it receives to [`Session::input`], starts each call that [`Session::next_call`] gives and
/// brings its answer by [`Session::complete`] or [`Session::complete_read`], in any order, and sends what
/// [`Session::output`] holds. After each of these there may be more calls to start.
pub struct Session {
    input: Input,
    core: Core,
    seen_init: bool,
}

impl Session {
    /// A session whose storage is connected already, so that VERSION can say what it offers.
    pub fn new(options: Options, connected: Connected) -> Self {
        Self {
            input: Input::new(options.limits.max_packet_bytes),
            core: Core::new(options, connected),
            seen_init: false,
        }
    }

    /// Where received bytes are appended; nothing else may be done to it. Its spare capacity has room at least for all
    /// that the next packet still lacks: a caller that receives no more at once keeps it within bounds.
    pub fn input(&mut self) -> &mut Vec<u8> {
        self.input.buffer()
    }

    /// False while limits say so, and after the end: the caller then stops receiving.
    pub fn wants_input(&self) -> bool {
        self.core.end.is_none() && !self.input.is_closed() && self.core.has_room()
    }

    /// The next call to start now. Looks at received packets, and answers by itself what needs no storage. `None`:
    /// nothing to start until more is received, an answer comes or replies are sent.
    ///
    /// # Errors
    ///
    /// The connection must be closed, after what is in the output is sent. It is said once; the caller then ends the
    /// session as after the end of input.
    pub fn next_call(&mut self) -> Result<Option<Started<'_>>, Fatal> {
        let begun = loop {
            if let Some(index) = self.next_ready() {
                if let Some(begun) = self.core.begin(index) {
                    break begun;
                }
                continue;
            }
            let packet = if self.core.has_room() { self.next_packet()? } else { None };
            if let Some(packet) = packet {
                self.take_packet(packet)?;
            } else if self.core.end.is_none() || self.has_packets_left() || !self.advance_end() {
                return Ok(None);
            }
        };
        Ok(Some(self.started(begun)))
    }

    /// The answer of a call. One that does not fit its call is a fault: FAILURE for the client. One that comes twice, or
    /// after [`Session::storage_lost`], changes nothing.
    pub fn complete(&mut self, id: CallId, answer: Result<Answer, storage::Error>) {
        match self.core.jobs.take_answered(id) {
            Some((index, job)) => self.core.answered(index, job, answer),
            None => debug!(target: "sftp", "call {}: a late answer", id.index()),
        }
    }

    /// The answer of a [`Call::Read`]: `read` appends at most as many bytes as it is told, straight to the output
    /// unless an earlier read of the file is not answered, and
    /// must leave alone what is there already. Nothing appended is the end of the file.
    pub fn complete_read(&mut self, id: CallId, read: impl FnOnce(&mut Vec<u8>, usize) -> Result<(), storage::Error>) {
        match self.core.jobs.take_answered(id) {
            Some((index, job)) => self.core.read_answered(index, job, read),
            None => debug!(target: "sftp", "call {}: a late answer", id.index()),
        }
    }

    /// Whether a packet that was received whole, or is too long, has not been looked at.
    pub fn has_packet(&self) -> bool {
        self.input.has_packet()
    }

    /// Bytes to send.
    pub fn output(&self) -> &[u8] {
        self.core.output.unsent()
    }

    /// So many bytes of the output have been sent.
    pub fn sent(&mut self, bytes: usize) {
        self.core.output.sent(bytes);
    }

    /// Seconds since 1970, for the dates in long names.
    pub fn set_now(&mut self, unix_seconds: i64) {
        self.core.now_seconds = unix_seconds;
    }

    /// The storage's instance died: every call in flight is answered by FAILURE, every handle is dead, and later
    /// requests on it get FAILURE. Calls on paths that were not started wait for [`Session::storage_restored`]; until
    /// then there is nothing to start.
    pub fn storage_lost(&mut self) {
        self.core.storage_lost();
    }

    /// A fresh instance has taken the place of the one that died.
    pub fn storage_restored(&mut self, connected: Connected) {
        self.core.storage_restored(connected);
    }

    /// No more input will come. With `serve_received` what has been received whole is still served, else what has not
    /// been started is answered by FAILURE; then everything open is closed with [`storage::Ending::Discard`], and
    /// [`Call::CloseSession`] is the last call. May be called again without `serve_received` to hurry.
    pub fn end(&mut self, serve_received: bool) {
        if !serve_received {
            self.input.close();
        }
        self.core.begin_end(if serve_received { End::Serve } else { End::GiveUp });
    }

    /// The session was ended and nothing is left to do but to send the output.
    pub fn is_finished(&self) -> bool {
        self.core.session_closed && self.core.jobs.count() == 0
    }

    /// Calls that were started and not answered.
    pub fn calls_in_flight(&self) -> usize {
        self.core.jobs.in_flight()
    }

    /// Requests that wait for others before them.
    pub fn queued_calls(&self) -> usize {
        self.core.jobs.count() - self.core.jobs.in_flight()
    }

    /// Bytes that requests in flight and waiting ones count for.
    pub fn bytes_in_flight(&self) -> usize {
        self.core.jobs.charged_bytes()
    }

    /// Files and directories that the client holds.
    pub fn open_handles(&self) -> usize {
        self.core.handles.held()
    }

    /// The client has said INIT.
    pub fn has_seen_init(&self) -> bool {
        self.seen_init
    }

    /// Nothing is open, waits or is held back.
    #[cfg(any(test, feature = "testing"))]
    pub fn is_clean(&self) -> bool {
        let core = &self.core;
        core.lanes.are_idle() && core.handles.len() == 0 && core.jobs.count() == 0 && core.jobs.charged_bytes() == 0
    }

    /// Bytes of the buffers that a client's behaviour makes grow.
    #[cfg(any(test, feature = "testing"))]
    pub fn buffer_bytes(&self) -> (usize, usize) {
        (self.input.capacity_bytes(), self.core.output.capacity_bytes())
    }

    fn next_ready(&mut self) -> Option<super::jobs::JobIndex> {
        if self.core.lost { None } else { self.core.jobs.next_ready() }
    }

    /// Closes what is open if that is all there is left to do. Says whether there may be a call to start now.
    fn advance_end(&mut self) -> bool {
        self.core.advance_end();
        !self.core.lost && self.core.jobs.has_ready()
    }

    fn has_packets_left(&self) -> bool {
        !self.core.has_room() && self.has_packet()
    }

    /// A first packet that is not INIT is told by its kind, before the rest of it has come.
    fn next_packet(&mut self) -> Result<Option<Range<usize>>, Fatal> {
        let kind = self.input.next_kind();
        let packet = self.input.next_packet().map_err(|fatal| self.fail(fatal))?;
        match kind {
            Some(kind) if !self.seen_init && kind != packet::INIT => Err(self.fail(Fatal::RequestBeforeInit { kind })),
            _ => Ok(packet),
        }
    }

    fn fail(&mut self, fatal: Fatal) -> Fatal {
        self.input.close();
        fatal
    }

    fn take_packet(&mut self, range: Range<usize>) -> Result<(), Fatal> {
        let mut reader = Reader::new(self.input.bytes(range.clone()));
        let Ok(kind) = reader.u8() else { return Err(self.fail(Fatal::EmptyPacket)) };
        let number = reader.u32().ok();
        if kind == packet::INIT {
            return self.init(number);
        }
        let Some(number) = number else {
            // It is in a frame that is right, so what comes next can be told.
            self.core.refuse(Some(NO_ID), &Status::BadMessage.into());
            return Ok(());
        };
        let incoming = Incoming { id: number, packet: range };
        match Request::parse(kind, &mut reader) {
            Ok(request) => self.core.accept(&incoming, request),
            Err(Unparsed::Malformed) => self.core.refuse(Some(number), &Status::BadMessage.into()),
            Err(Unparsed::UnknownExtension(name)) => {
                let shown = name.get(..SHOWN_NAME_BYTES).unwrap_or(name);
                info!(target: "sftp", "Unknown extended request \"{}\"", Vis(shown));
                self.core.refuse(Some(number), &Status::OpUnsupported.into());
            }
            Err(Unparsed::UnknownKind) => {
                info!(target: "sftp", "Unknown message {kind}");
                self.core.refuse(Some(number), &Status::OpUnsupported.into());
            }
        }
        Ok(())
    }

    /// One more INIT is answered as the first was, as OpenSSH does; nothing else comes of it.
    fn init(&mut self, client_version: Option<u32>) -> Result<(), Fatal> {
        let Some(client_version) = client_version else { return Err(self.fail(Fatal::InitTooShort)) };
        self.seen_init = true;
        self.core.send_version(client_version);
        Ok(())
    }

    fn started(&self, begun: Begun) -> Started<'_> {
        let call = match begun.call {
            BegunCall::Call(call) => call,
            BegunCall::Write { job, file, offset } => {
                let data = match self.core.jobs.get(job).map(|job| &job.task) {
                    Some(Task::Write { data: Data::Received(range), .. }) => self.input.bytes(range.clone()),
                    Some(Task::Write { data: Data::Copied(bytes), .. }) => bytes,
                    _ => &[],
                };
                Call::Write { file, offset, data }
            }
        };
        Started { id: begun.id, call }
    }
}
