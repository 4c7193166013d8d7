//! Who waits for whom: the order that the contract promises (`wit/storage.wit`, *Concurrency*).
//!
//! A lane is a fair readers-writer queue: a job that enters it is let through when every job before it that conflicts
//! with it has left. There is one lane for all paths, one for each open directory, and one for each path by which files
//! are open: what a client wrote to one of them without waiting is there when it looks through another, or by the path.
//! A job may enter two lanes; it enters both at once, so that all jobs stand in one order everywhere and none can wait
//! for each other in a circle.

use super::jobs::JobIndex;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneId {
    Paths,
    /// Its place among the lanes of what is open.
    Open(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Shared,
    Exclusive,
}

/// A lane that a job enters, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub lane: LaneId,
    pub mode: Mode,
}

impl Claim {
    pub fn paths(mode: Mode) -> Self {
        Self { lane: LaneId::Paths, mode }
    }

    pub fn open(lane: usize, mode: Mode) -> Self {
        Self { lane: LaneId::Open(lane), mode }
    }
}

#[derive(Debug, Default)]
struct Lane {
    shared: usize,
    exclusive: bool,
    waiting: VecDeque<(JobIndex, Mode)>,
}

impl Lane {
    fn admits(&self, mode: Mode) -> bool {
        match mode {
            Mode::Shared => !self.exclusive,
            Mode::Exclusive => !self.exclusive && self.shared == 0,
        }
    }

    fn take(&mut self, mode: Mode) {
        match mode {
            Mode::Shared => self.shared += 1,
            Mode::Exclusive => self.exclusive = true,
        }
    }

    fn let_through(&mut self, through: &mut impl FnMut(JobIndex)) {
        while let Some((job, mode)) = self.waiting.front().copied().filter(|(_, mode)| self.admits(*mode)) {
            self.waiting.pop_front();
            self.take(mode);
            through(job);
        }
    }
}

/// All lanes of a session.
#[derive(Debug, Default)]
pub struct Lanes {
    paths: Lane,
    open: Vec<Lane>,
}

impl Lanes {
    /// Whether `job` is through at once; else it is told by a later [`Lanes::leave`] or [`Lanes::withdraw`].
    pub fn enter(&mut self, job: JobIndex, claim: Claim) -> bool {
        let lane = self.lane(claim.lane);
        let through = lane.waiting.is_empty() && lane.admits(claim.mode);
        if through {
            lane.take(claim.mode);
        } else {
            lane.waiting.push_back((job, claim.mode));
        }
        through
    }

    /// A job that was let through is done; tells which jobs are let through now.
    pub fn leave(&mut self, claim: Claim, through: &mut impl FnMut(JobIndex)) {
        let lane = self.lane(claim.lane);
        match claim.mode {
            Mode::Shared => lane.shared = lane.shared.saturating_sub(1),
            Mode::Exclusive => lane.exclusive = false,
        }
        lane.let_through(through);
    }

    /// A job gives up, whether it still waits or was let through.
    pub fn withdraw(&mut self, job: JobIndex, claim: Claim, through: &mut impl FnMut(JobIndex)) {
        let lane = self.lane(claim.lane);
        match lane.waiting.iter().position(|(waiting, _)| *waiting == job) {
            Some(position) => {
                lane.waiting.remove(position);
                lane.let_through(through);
            }
            None => self.leave(claim, through),
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn are_idle(&self) -> bool {
        std::iter::once(&self.paths)
            .chain(&self.open)
            .all(|lane| lane.shared == 0 && !lane.exclusive && lane.waiting.is_empty())
    }

    fn lane(&mut self, lane: LaneId) -> &mut Lane {
        match lane {
            LaneId::Paths => &mut self.paths,
            LaneId::Open(position) => {
                if self.open.len() <= position {
                    self.open.resize_with(position + 1, Lane::default);
                }
                // It is there now; the other lane would only make the job wait for more.
                self.open.get_mut(position).unwrap_or(&mut self.paths)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PATHS: LaneId = LaneId::Paths;

    fn claim(lane: LaneId, exclusive: bool) -> Claim {
        Claim { lane, mode: if exclusive { Mode::Exclusive } else { Mode::Shared } }
    }

    fn job(number: usize) -> JobIndex {
        JobIndex::new(number)
    }

    #[test]
    fn a_reader_does_not_overtake_a_waiting_writer() {
        let mut lanes = Lanes::default();
        assert!(lanes.enter(job(0), claim(PATHS, false)));
        assert!(!lanes.enter(job(1), claim(PATHS, true)));
        assert!(!lanes.enter(job(2), claim(PATHS, false)));
        let mut through = Vec::new();
        lanes.leave(claim(PATHS, false), &mut |job| through.push(job));
        assert_eq!(through, [job(1)]);
        lanes.leave(claim(PATHS, true), &mut |job| through.push(job));
        assert_eq!(through, [job(1), job(2)]);
    }

    #[test]
    fn withdrawing_a_waiting_writer_lets_readers_through() {
        let mut lanes = Lanes::default();
        assert!(lanes.enter(job(0), claim(PATHS, false)));
        assert!(!lanes.enter(job(1), claim(PATHS, true)));
        assert!(!lanes.enter(job(2), claim(PATHS, false)));
        let mut through = Vec::new();
        lanes.withdraw(job(1), claim(PATHS, true), &mut |job| through.push(job));
        assert_eq!(through, [job(2)]);
    }

    proptest! {
        /// Jobs enter one or two of three lanes in order, and leave in any order: each is through exactly when every
        /// conflicting one before it has left.
        #[test]
        fn a_job_waits_for_exactly_the_conflicting_ones_before_it(
            jobs in proptest::collection::vec((0usize..3, any::<bool>(), proptest::option::of((0usize..3, any::<bool>()))), 1..40),
            choices in proptest::collection::vec(any::<prop::sample::Index>(), 40),
        ) {
            let lane = |number: usize| match number {
                0 => PATHS,
                other => LaneId::Open(other),
            };
            let claims: Vec<Vec<Claim>> = jobs.iter().map(|(first, exclusive, second)| {
                let mut claims = vec![claim(lane(*first), *exclusive)];
                claims.extend(second.filter(|(other, _)| other != first).map(|(other, exclusive)| claim(lane(other), exclusive)));
                claims
            }).collect();
            let conflicts = |a: usize, b: usize| claims[a].iter().any(|x| claims[b].iter().any(|y| {
                x.lane == y.lane && (x.mode == Mode::Exclusive || y.mode == Mode::Exclusive)
            }));
            let mut lanes = Lanes::default();
            let mut missing: Vec<usize> = Vec::new();
            for (number, claims) in claims.iter().enumerate() {
                missing.push(claims.iter().filter(|claim| !lanes.enter(job(number), **claim)).count());
            }
            let mut left = vec![false; claims.len()];
            for choice in choices {
                for (number, missing) in missing.iter().enumerate() {
                    let clear = (0..number).all(|before| left[before] || !conflicts(before, number));
                    prop_assert_eq!(*missing == 0, clear, "job {}", number);
                }
                let running: Vec<usize> = (0..claims.len()).filter(|n| missing[*n] == 0 && !left[*n]).collect();
                let Some(done) = (!running.is_empty()).then(|| running[choice.index(running.len())]) else { break };
                left[done] = true;
                for claim in &claims[done] {
                    lanes.leave(*claim, &mut |job| missing[job.get()] -= 1);
                }
            }
            prop_assert!(left.iter().all(|left| *left));
            prop_assert!(lanes.are_idle());
        }
    }
}
