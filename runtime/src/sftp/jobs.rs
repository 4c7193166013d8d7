//! Requests on their way: each is a job that waits for its lanes, makes one or more calls, and is answered.

use super::CallId;
use super::lanes::Claim;
use super::task::Task;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Where a job is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobIndex(u32);

impl JobIndex {
    #[cfg(test)]
    pub fn new(number: usize) -> Self {
        Self(u32::try_from(number).unwrap())
    }

    pub fn get(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Not through all its lanes yet.
    Waiting,
    /// Its next call may start.
    Ready,
    /// The storage is at it.
    InFlight,
    /// The storage has answered it, and not yet an earlier read of the file.
    Held,
}

pub struct Job {
    /// The order in which jobs came in.
    pub sequence: u64,
    /// The request to answer; none for what the session does of its own.
    pub request: Option<u32>,
    pub task: Task,
    pub claims: [Option<Claim>; 2],
    /// Lanes that it is not through yet.
    pub missing: usize,
    pub state: JobState,
    /// At least one call has been started.
    pub begun: bool,
    /// Bytes that it counts for against the limit.
    pub charge_bytes: usize,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    job: Option<Job>,
}

/// All jobs of a session.
#[derive(Default)]
pub struct Jobs {
    slots: Vec<Slot>,
    free: Vec<JobIndex>,
    /// Ready ones; the one that came first is started first.
    ready: BinaryHeap<Reverse<(u64, JobIndex)>>,
    next_sequence: u64,
    count: usize,
    in_flight: usize,
    charged_bytes: usize,
}

impl Jobs {
    /// Takes a place; the job gets its order here.
    pub fn insert(&mut self, request: Option<u32>, task: Task, charge_bytes: usize) -> Option<JobIndex> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                self.slots.push(Slot::default());
                JobIndex(u32::try_from(self.slots.len() - 1).ok()?)
            }
        };
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let slot = self.slots.get_mut(index.get())?;
        slot.job = Some(Job {
            sequence,
            request,
            task,
            claims: [None; 2],
            missing: 0,
            state: JobState::Waiting,
            begun: false,
            charge_bytes,
        });
        self.count += 1;
        self.charged_bytes = self.charged_bytes.saturating_add(charge_bytes);
        Some(index)
    }

    pub fn get(&self, index: JobIndex) -> Option<&Job> {
        self.slots.get(index.get())?.job.as_ref()
    }

    pub fn get_mut(&mut self, index: JobIndex) -> Option<&mut Job> {
        self.slots.get_mut(index.get())?.job.as_mut()
    }

    /// One more lane is through; with the last one the job is ready.
    pub fn through(&mut self, index: JobIndex) {
        let Some(job) = self.get_mut(index) else { return };
        job.missing = job.missing.saturating_sub(1);
        if job.missing == 0 {
            self.make_ready(index);
        }
    }

    pub fn make_ready(&mut self, index: JobIndex) {
        let Some(job) = self.get_mut(index) else { return };
        job.state = JobState::Ready;
        let entry = Reverse((job.sequence, index));
        self.ready.push(entry);
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The ready job that came first.
    pub fn next_ready(&mut self) -> Option<JobIndex> {
        self.ready.pop().map(|Reverse((_, index))| index)
    }

    /// Its call is handed out. Each call has a generation of its own, so that a late or second answer finds nothing.
    pub fn start(&mut self, index: JobIndex) -> Option<CallId> {
        let slot = self.slots.get_mut(index.get())?;
        let job = slot.job.as_mut()?;
        slot.generation = slot.generation.wrapping_add(1);
        job.state = JobState::InFlight;
        job.begun = true;
        self.in_flight += 1;
        Some(CallId { slot: index.0, generation: slot.generation })
    }

    /// The job whose call is answered, out of its place, which stays reserved until [`Jobs::put_back`] or
    /// [`Jobs::release`].
    pub fn take_answered(&mut self, id: CallId) -> Option<(JobIndex, Job)> {
        let slot = self.slots.get_mut(id.index())?;
        let answered =
            slot.generation == id.generation && slot.job.as_ref().is_some_and(|job| job.state == JobState::InFlight);
        let job = slot.job.take_if(|_| answered)?;
        self.in_flight = self.in_flight.saturating_sub(1);
        Some((JobIndex(id.slot), job))
    }

    /// A job that is to be given up, in whatever state, out of its place as by [`Jobs::take_answered`].
    pub fn take(&mut self, index: JobIndex) -> Option<Job> {
        let job = self.slots.get_mut(index.get())?.job.take()?;
        match job.state {
            JobState::InFlight => self.in_flight = self.in_flight.saturating_sub(1),
            JobState::Ready => self.ready.retain(|Reverse((_, ready))| *ready != index),
            JobState::Waiting | JobState::Held => {}
        }
        Some(job)
    }

    /// An answered job that is held, out of its place as by [`Jobs::take_answered`].
    pub fn take_held(&mut self, index: JobIndex) -> Option<Job> {
        self.slots.get_mut(index.get())?.job.take_if(|job| job.state == JobState::Held)
    }

    /// A taken job goes on with its next call.
    pub fn put_back(&mut self, index: JobIndex, job: Job) {
        if let Some(slot) = self.slots.get_mut(index.get()) {
            slot.job = Some(job);
        }
    }

    /// The place of a taken job is free.
    pub fn release(&mut self, index: JobIndex, job: &Job) {
        self.count = self.count.saturating_sub(1);
        self.charged_bytes = self.charged_bytes.saturating_sub(job.charge_bytes);
        self.free.push(index);
    }

    /// All jobs in the order in which they came in.
    pub fn in_order(&self) -> Vec<JobIndex> {
        let jobs = (0..).map(JobIndex).zip(&self.slots);
        let mut found: Vec<_> = jobs.filter_map(|(index, slot)| Some((slot.job.as_ref()?.sequence, index))).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, index)| index).collect()
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn charged_bytes(&self) -> usize {
        self.charged_bytes
    }
}
