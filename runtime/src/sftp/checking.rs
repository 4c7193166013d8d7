//! `check-file`: the session reads a file for itself and answers with hashes.

use super::answers::misfit;
use super::core::{Core, Outcome};
use super::jobs::Job;
use super::packet;
use super::status::{Refusal, Status};
use super::task::{Check, CheckStep, Task};
use super::wire::Writer;
use crate::storage::{Answer, Error};

/// What a reply needs beside the hashes.
const REPLY_OVERHEAD_BYTES: usize = 1024;

impl Core {
    pub fn check_opened_or_closed(&mut self, job: &mut Job, answer: Result<Answer, Error>) -> Outcome {
        let Task::Check(check) = &mut job.task else { return Outcome::Done };
        if check.step == CheckStep::Open && matches!(answer, Ok(Answer::Done)) {
            check.step = CheckStep::Read;
            return Outcome::Again;
        }
        if check.step == CheckStep::Open {
            check.refusal = Some(self.refusal_of(&answer.err().unwrap_or_else(misfit)));
        }
        self.handles.remove(check.handle);
        self.tell_check(job);
        Outcome::Done
    }

    /// The next part was read; none is the end.
    pub fn check_read(&mut self, job: &mut Job, data: Result<Vec<u8>, Error>) -> Outcome {
        let Task::Check(check) = &mut job.task else { return Outcome::Done };
        let max_bytes = self.options.limits.max_packet_bytes.saturating_sub(REPLY_OVERHEAD_BYTES);
        let at_end = match data {
            Ok(mut data) => {
                check.take(&data);
                let at_end = data.is_empty() || check.remaining == Some(0);
                data.clear();
                self.keep_spare_buffer(data);
                at_end
            }
            Err(error) => {
                check.refusal = Some(self.refusal_of(&error));
                true
            }
        };
        if check.checksum.digest_bytes() > max_bytes {
            check.refusal = Some(Refusal::new(Status::Failure, "Too many blocks for one reply"));
        } else if !at_end {
            return Outcome::Again;
        }
        if check.opened_by.is_some() {
            check.step = CheckStep::Close;
            return Outcome::Again;
        }
        self.tell_check(job);
        Outcome::Done
    }

    /// EXTENDED_REPLY as draft-ietf-secsh-filexfer-09 has it, section 9.1.2, and clients read it.
    fn tell_check(&mut self, job: &mut Job) {
        let Task::Check(check) = &mut job.task else { return };
        if let Some(refusal) = check.refusal.take() {
            return self.refuse(job.request, &refusal);
        }
        let algorithm = check.checksum.algorithm();
        let digests = check.checksum.finish();
        if let Some(id) = job.request {
            self.output.reply(packet::EXTENDED_REPLY, id, |body| {
                body.put_string(b"check-file");
                body.put_string(algorithm.name().as_bytes());
                body.extend_from_slice(digests);
            });
        }
    }
}

impl Check {
    fn take(&mut self, data: &[u8]) {
        let bytes = data.len() as u64;
        self.checksum.update(data);
        self.offset = self.offset.saturating_add(bytes);
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(bytes));
    }
}
