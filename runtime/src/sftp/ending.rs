//! How things end: a job that is given up, a storage whose instance died, and the session itself, which closes each of
//! its files and directories once before its last call.

use super::core::{Core, End};
use super::handles::State;
use super::jobs::{Job, JobIndex, JobState};
use super::lanes::LaneId;
use super::status::{Refusal, Status};
use super::task::{Check, CheckStep, OpenDirectory, OpenDirectoryStep, Task};
use crate::storage::{Connected, Ending};
use tracing::warn;

impl Core {
    /// The storage's instance is gone, and with it all that was open in it. Path calls that have not begun wait for the
    /// next one.
    pub fn storage_lost(&mut self) {
        if self.lost {
            return;
        }
        self.lost = true;
        warn!(target: "sftp", "the storage was lost with {} calls in flight", self.jobs.in_flight());
        for index in self.jobs.in_order() {
            let dies = self.jobs.get(index).is_some_and(|job| job.begun || is_on_handle(job));
            if dies && let Some(job) = self.jobs.take(index) {
                self.give_up(index, job);
            }
        }
        self.handles.kill();
    }

    pub fn storage_restored(&mut self, connected: Connected) {
        self.connected(connected);
    }

    pub fn begin_end(&mut self, end: End) {
        if self.end == Some(End::GiveUp) {
            return;
        }
        self.end = Some(end);
        if end == End::GiveUp {
            self.give_up_waiting();
        }
    }

    /// Closes what is open, then the session. Called whenever no received request is left to look at.
    pub fn advance_end(&mut self) {
        for handle in self.handles.indices_in(State::Dead) {
            self.handles.remove(handle);
        }
        for handle in self.handles.indices_in(State::Open) {
            // A handle that is open has a file or a directory, so this cannot be refused.
            let _ = self.close_handle(None, handle, Ending::Discard);
        }
        if self.jobs.count() > 0 || self.handles.len() > 0 || self.session_closed {
            return;
        }
        if self.lost {
            self.session_closed = true;
        } else {
            self.submit(None, Task::CloseSession, [], 0);
        }
    }

    /// Everything that is not in flight, save the closing of what is open.
    fn give_up_waiting(&mut self) {
        for index in self.jobs.in_order() {
            let has_begun = |job: &Job| matches!(job.state, JobState::InFlight | JobState::Held);
            let goes = self.jobs.get(index).is_some_and(|job| !has_begun(job) && !is_closing(job));
            if goes && let Some(job) = self.jobs.take(index) {
                self.give_up(index, job);
            }
        }
    }

    /// FAILURE for a job that will not be done. What it opened is left for the end to close, if it is still there.
    pub fn give_up(&mut self, index: JobIndex, job: Job) {
        let stays_open = !self.lost;
        self.note_failure(&job.task);
        match &job.task {
            Task::Open(open) => self.handles.remove(open.handle),
            Task::OpenDirectory(OpenDirectory { handle, step: OpenDirectoryStep::Open, .. }) => {
                self.handles.remove(*handle);
            }
            Task::OpenDirectory(open) if stays_open => self.handles.opened(open.handle),
            Task::OpenDirectory(open) => self.handles.remove(open.handle),
            Task::Check(check) if check.has_opened() && stays_open => self.handles.opened(check.handle),
            Task::Check(check) if check.opened_by.is_some() => self.handles.remove(check.handle),
            Task::CloseSession => self.session_closed = true,
            _ => {}
        }
        let closed = match &job.task {
            Task::CloseFile { handle, .. } | Task::CloseDirectory { handle } => Some(*handle),
            _ => None,
        };
        if job.request.is_some() {
            self.refuse(job.request, &Refusal::new(Status::Failure, "The storage was interrupted"));
        }
        self.finish(index, job);
        if let Some(handle) = closed {
            self.handles.remove(handle);
        }
    }
}

impl Check {
    /// The session itself has a file open for it.
    fn has_opened(&self) -> bool {
        self.opened_by.is_some() && self.step != CheckStep::Open
    }
}

fn is_on_handle(job: &Job) -> bool {
    let mut lanes = job.claims.iter().flatten().map(|claim| claim.lane).peekable();
    lanes.peek().is_some() && lanes.all(|lane| lane != LaneId::Paths)
}

fn is_closing(job: &Job) -> bool {
    matches!(job.task, Task::CloseFile { .. } | Task::CloseDirectory { .. } | Task::CloseSession)
}
