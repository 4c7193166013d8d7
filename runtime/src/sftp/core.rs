//! The state of a session and the way of a job through it: in, through its lanes, to the storage, answered, out.

use super::CallId;
use super::handles::{HandleIndex, Handles};
use super::jobs::{Job, JobIndex, Jobs};
use super::lanes::{Claim, Lanes};
use super::longname::Style;
use super::options::Options;
use super::output::Output;
use super::packet;
use super::status::{Refusal, Status};
use super::task::{Context, Data, Prepared, Task};
use super::wire::Writer;
use crate::storage::{self, Call, Connected, Features, FileId, StoragePath};
use crate::vis::Vis;
use tracing::{debug, info};

/// More would make OpenSSH's client give up: 256 KiB with the packet's header.
const MAX_DATA_BYTES: usize = 262_135;

/// Buffers of writes that had to wait, kept for the next ones.
const MAX_SPARE_BUFFERS: usize = 16;

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What was received is still served.
    Serve,
    /// What has not begun is given up.
    GiveUp,
}

pub struct Core {
    pub options: Options,
    pub features: Features,
    pub home: StoragePath,
    /// Where relative paths start.
    pub start: StoragePath,
    pub now_seconds: i64,
    pub handles: Handles,
    pub lanes: Lanes,
    pub jobs: Jobs,
    pub output: Output,
    /// The storage's instance died and no other has taken its place yet.
    pub lost: bool,
    pub end: Option<End>,
    pub session_closed: bool,
    spare_buffers: Vec<Vec<u8>>,
}

/// A call that is to be handed out.
pub struct Begun {
    pub id: CallId,
    pub call: BegunCall,
}

pub enum BegunCall {
    Call(Call<'static>),
    Write { job: JobIndex, file: FileId, offset: u64 },
}

/// What became of a job whose call was answered.
pub enum Outcome {
    Done,
    /// It has another call to make.
    Again,
}

impl Core {
    pub fn new(mut options: Options, connected: Connected) -> Self {
        options.limits.max_read_bytes = options.limits.max_read_bytes.min(MAX_DATA_BYTES);
        let mut core = Self {
            handles: Handles::new(options.limits.max_handles),
            options,
            features: Features::empty(),
            home: StoragePath::root(),
            start: StoragePath::root(),
            now_seconds: 0,
            lanes: Lanes::default(),
            jobs: Jobs::default(),
            output: Output::new(),
            lost: false,
            end: None,
            session_closed: false,
            spare_buffers: Vec::new(),
        };
        core.connected(connected);
        core
    }

    pub fn connected(&mut self, connected: Connected) {
        self.features = connected.features;
        let start = self.options.start_directory.as_deref().unwrap_or("");
        self.start = StoragePath::resolve(&connected.home, start).unwrap_or_else(|| connected.home.clone());
        self.home = connected.home;
        self.lost = false;
    }

    /// Whether limits allow to look at another request. One at least is always let in.
    pub fn has_room(&self) -> bool {
        let limits = &self.options.limits;
        let free = self.jobs.count() == 0 && self.output.unsent().is_empty();
        free || (self.output.unsent().len() < limits.max_output_bytes
            && self.jobs.count() < limits.max_calls_in_flight
            && self.jobs.charged_bytes() < limits.max_bytes_in_flight)
    }

    pub fn context(&self) -> Context {
        Context { features: self.features, max_read_bytes: self.options.limits.max_read_bytes }
    }

    /// A new job enters its lanes. Says where it is, and whether it may start at once.
    pub fn submit<const N: usize>(
        &mut self,
        request: Option<u32>,
        task: Task,
        claims: [Claim; N],
        charge_bytes: usize,
    ) -> Option<(JobIndex, bool)> {
        let index = self.jobs.insert(request, task, charge_bytes)?;
        let missing = claims.iter().filter(|claim| !self.lanes.enter(index, **claim)).count();
        let job = self.jobs.get_mut(index)?;
        for (slot, claim) in job.claims.iter_mut().zip(claims) {
            *slot = Some(claim);
        }
        job.missing = missing;
        if missing == 0 {
            self.jobs.make_ready(index);
        }
        Some((index, missing == 0))
    }

    /// The next call of the ready job that came first, or nothing if that job needed none after all.
    pub fn begin(&mut self, index: JobIndex) -> Option<Begun> {
        let context = self.context();
        let call = match self.jobs.get_mut(index)?.task.prepare(&self.handles, context) {
            Prepared::Call(call) => BegunCall::Call(call),
            Prepared::Write { file, offset } => BegunCall::Write { job: index, file, offset },
            Prepared::Entries => {
                let job = self.jobs.take(index)?;
                if let Task::ReadDirectory { handle } = job.task {
                    self.send_entries(job.request, handle);
                }
                self.finish(index, job);
                return None;
            }
            Prepared::Refused(refusal) => {
                let job = self.jobs.take(index)?;
                self.note_failure(&job.task);
                self.refuse(job.request, &refusal);
                self.finish(index, job);
                return None;
            }
        };
        let id = self.jobs.start(index)?;
        debug!(target: "calls", "call {}: started", id.index());
        if let Some(job) = self.jobs.get(index) {
            self.log_close(job);
        }
        Some(Begun { id, call })
    }

    /// A job that is done leaves its lanes and its place, and with it those that were held for it.
    pub fn finish(&mut self, index: JobIndex, job: Job) {
        let read = match &job.task {
            Task::Read { handle, .. } => Some(*handle),
            _ => None,
        };
        self.leave(index, job);
        if let Some(handle) = read {
            self.read_done(handle, index);
        }
    }

    pub fn leave(&mut self, index: JobIndex, mut job: Job) {
        self.leave_lanes(index, &mut job);
        self.jobs.release(index, &job);
        if let Task::Write { data: Data::Copied(buffer), .. } = job.task {
            self.keep_spare_buffer(buffer);
        }
    }

    /// Lets those behind the job through, though it may go on.
    pub fn leave_lanes(&mut self, index: JobIndex, job: &mut Job) {
        let jobs = &mut self.jobs;
        let waits = std::mem::take(&mut job.missing) > 0;
        for claim in job.claims.iter_mut().filter_map(Option::take) {
            let through = &mut |through| jobs.through(through);
            if waits { self.lanes.withdraw(index, claim, through) } else { self.lanes.leave(claim, through) }
        }
    }

    pub fn spare_buffer(&mut self) -> Vec<u8> {
        self.spare_buffers.pop().unwrap_or_default()
    }

    pub fn keep_spare_buffer(&mut self, mut buffer: Vec<u8>) {
        if self.spare_buffers.len() < MAX_SPARE_BUFFERS {
            buffer.clear();
            self.spare_buffers.push(buffer);
        }
    }

    /// A write that is not done, for whatever reason, spoils its file.
    pub fn note_failure(&mut self, task: &Task) {
        let spoilt = match task {
            Task::Write { handle, .. } | Task::Sync { handle } => Some(*handle),
            // Before that nothing was to be written.
            Task::Copy(copy) if copy.remaining.is_some() => Some(copy.destination),
            _ => None,
        };
        if let Some(file) = spoilt.and_then(|handle| self.handles.file_mut(handle)) {
            file.write_failed = true;
        }
    }

    /// STATUS, with OpenSSH's line in the log for other than success and end of file.
    pub fn refuse(&mut self, request: Option<u32>, refusal: &Refusal) {
        if !matches!(refusal.status, Status::Ok | Status::Eof) {
            info!(target: "sftp", "sent status {}", refusal.status.text());
        }
        if let Some(id) = request {
            self.output.status(id, refusal);
        }
    }

    pub fn succeed(&mut self, request: Option<u32>) {
        self.refuse(request, &Status::Ok.into());
    }

    pub fn refuse_error(&mut self, request: Option<u32>, error: &storage::Error) {
        let refusal = self.refusal_of(error);
        self.refuse(request, &refusal);
    }

    /// What a storage's error is to the client; the log gets what only the operator may know.
    pub fn refusal_of(&self, error: &storage::Error) -> Refusal {
        if let Some(detail) = &error.detail {
            info!(target: "sftp", "storage error {:?}: \"{}\"", error.code, Vis(detail.as_bytes()));
        }
        Refusal::from(error)
    }

    pub fn send_handle(&mut self, request: Option<u32>, handle: HandleIndex) {
        let bytes = self.handles.wire_bytes(handle);
        if let Some(id) = request {
            self.output.reply(packet::HANDLE, id, |body| body.put_string(&bytes));
        }
    }

    /// NAME with the next entries of a listing, or EOF.
    pub fn send_entries(&mut self, request: Option<u32>, handle: HandleIndex) {
        let style = Style {
            now_seconds: self.now_seconds,
            utc_offset_seconds: self.options.utc_offset_seconds,
            names: self.options.show_names.as_deref().map(|names| names as _),
        };
        let Some(id) = request else { return };
        match self.handles.listing_mut(handle) {
            Some(listing) if !listing.is_empty() => {
                self.output.reply(packet::NAME, id, |body| listing.write_batch(body, style));
            }
            Some(_) => self.output.status(id, &Status::Eof.into()),
            None => self.output.status(id, &Status::Failure.into()),
        }
    }
}
