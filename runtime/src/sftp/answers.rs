//! What a storage answered, and what the client is told of it.

use super::accept::MAX_OFFSET;
use super::attributes;
use super::core::{Core, End, Outcome};
use super::handles::HandleIndex;
use super::jobs::{Job, JobIndex, JobState};
use super::listing::MAX_NAME_BYTES;
use super::packet;
use super::status::{Refusal, Status};
use super::task::{CheckStep, Open, OpenDirectoryStep, Reply, Task};
use super::wire::Writer;
use crate::storage::{Answer, Attributes, Ending, Error, ErrorCode, Features, FileKind, OpenFlags, Usage, unescape};
use tracing::error;

type Answered = Result<Answer, Error>;

impl Core {
    /// A call of `job` was answered: the job is answered too, or goes on.
    pub fn answered(&mut self, index: JobIndex, mut job: Job, answer: Answered) {
        let outcome = match &mut job.task {
            Task::Plain { reply, .. } => {
                let reply = *reply;
                self.plain_answered(job.request, reply, answer)
            }
            Task::Open(open) => self.open_answered(job.request, open, answer),
            Task::OpenDirectory { .. } => self.open_directory_answered(&mut job, answer),
            Task::Read { .. } | Task::Check(_) => return self.data_answered(index, job, answer),
            Task::Write { .. } | Task::Sync { .. } => self.written(&mut job, answer),
            Task::Change { .. } => self.plain_answered(job.request, Reply::Status, answer),
            Task::ReadDirectory { handle } => {
                let handle = *handle;
                self.entries_answered(job.request, handle, answer)
            }
            Task::CloseFile { handle, ending } => {
                let (handle, ending) = (*handle, *ending);
                self.file_closed(job.request, handle, ending, answer);
                return self.finish_close(index, job, handle);
            }
            Task::CloseDirectory { handle } => {
                let handle = *handle;
                self.plain_answered(job.request, Reply::Status, answer);
                return self.finish_close(index, job, handle);
            }
            Task::Copy(_) => self.copied(&mut job, answer),
            Task::CloseSession => {
                self.session_closed = true;
                Outcome::Done
            }
        };
        self.proceed(index, job, outcome);
    }

    /// As [`Core::answered`] for a read whose bytes `read` appends to where they belong.
    pub fn read_answered(
        &mut self,
        index: JobIndex,
        mut job: Job,
        read: impl FnOnce(&mut Vec<u8>, usize) -> Result<(), Error>,
    ) {
        let outcome = match &mut job.task {
            Task::Read { handle, length, .. } if self.is_next_read(*handle, index) => {
                let (handle, length) = (*handle, *length);
                self.send_data(job.request, handle, length, read)
            }
            Task::Read { length, answer, .. } => {
                let mut data = self.spare_buffer();
                *answer = Some(read(&mut data, *length).map(|()| data));
                job.state = JobState::Held;
                return self.jobs.put_back(index, job);
            }
            Task::Check(check) if check.step == CheckStep::Read => {
                let length = check.read_length(self.options.limits.max_read_bytes);
                let mut data = self.spare_buffer();
                let result = read(&mut data, length).map(|()| {
                    data.truncate(length);
                    data
                });
                self.check_read(&mut job, result)
            }
            _ => return self.answered(index, job, Err(misfit())),
        };
        self.proceed(index, job, outcome);
    }

    /// Whether the client is to be answered this read of a file before all others of it that are on their way. OpenSSH's
    /// client takes what comes before its turn for the end of what it got: a file that it fetched is cut there, and it says
    /// nothing (sftp-client.c).
    fn is_next_read(&self, handle: HandleIndex, index: JobIndex) -> bool {
        self.handles.file(handle).is_none_or(|file| file.reads.front().is_none_or(|first| *first == index))
    }

    /// A read was answered, or given up: those that were held for it are answered.
    pub fn read_done(&mut self, handle: HandleIndex, index: JobIndex) {
        let Some(file) = self.handles.file_mut(handle) else { return };
        file.reads.retain(|read| *read != index);
        while let Some(next) = self.handles.file(handle).and_then(|file| file.reads.front().copied()) {
            let Some(mut job) = self.jobs.take_held(next) else { return };
            if let Task::Read { length, answer: Some(answer), .. } = &mut job.task {
                let (length, answer) = (*length, std::mem::replace(answer, Ok(Vec::new())));
                self.send_data(job.request, handle, length, |out, _| match &answer {
                    Ok(data) => {
                        out.extend_from_slice(data);
                        Ok(())
                    }
                    Err(error) => Err(error.clone()),
                });
                if let Ok(data) = answer {
                    self.keep_spare_buffer(data);
                }
            }
            if let Some(file) = self.handles.file_mut(handle) {
                file.reads.pop_front();
            }
            self.leave(next, job);
        }
    }

    fn proceed(&mut self, index: JobIndex, job: Job, outcome: Outcome) {
        match outcome {
            Outcome::Done => self.finish(index, job),
            Outcome::Again if self.end == Some(End::GiveUp) => self.give_up(index, job),
            Outcome::Again => {
                self.jobs.put_back(index, job);
                self.jobs.make_ready(index);
            }
        }
    }

    fn finish_close(&mut self, index: JobIndex, job: Job, handle: HandleIndex) {
        self.finish(index, job);
        self.handles.remove(handle);
    }

    fn plain_answered(&mut self, request: Option<u32>, reply: Reply, answer: Answered) -> Outcome {
        let read_only = self.options.read_only;
        match (reply, answer) {
            (Reply::Status, Ok(Answer::Done)) => self.succeed(request),
            (Reply::Attributes, Ok(Answer::Attributes(found))) => {
                self.reply(request, packet::ATTRS, |body| attributes::write(body, &found));
            }
            (Reply::Path, Ok(Answer::Path(path))) => self.send_name(request, &unescape(path.as_str())),
            (Reply::Target, Ok(Answer::Target(target))) => self.send_name(request, &unescape(&target)),
            (Reply::Usage, Ok(Answer::Usage(usage))) => {
                self.reply(request, packet::EXTENDED_REPLY, |body| write_usage(body, &usage, read_only));
            }
            (_, Ok(_)) => self.refuse_error(request, &misfit()),
            (_, Err(error)) => self.refuse_error(request, &error),
        }
        Outcome::Done
    }

    fn open_answered(&mut self, request: Option<u32>, open: &mut Open, answer: Answered) -> Outcome {
        if open.look_first {
            return self.looked(request, open, answer);
        }
        match answer {
            Ok(Answer::Done) => {
                self.handles.opened(open.handle);
                self.send_handle(request, open.handle);
            }
            other => {
                self.handles.remove(open.handle);
                self.refuse_error(request, &other.err().unwrap_or_else(misfit));
            }
        }
        Outcome::Done
    }

    /// What stands in the file would be lost, unless that is nothing.
    fn looked(&mut self, request: Option<u32>, open: &mut Open, answer: Answered) -> Outcome {
        let keeps = |found: &Attributes| found.kind == FileKind::Regular && found.size != Some(0);
        if matches!(&answer, Ok(Answer::Attributes(found)) if keeps(found)) {
            self.handles.remove(open.handle);
            let refusal = Refusal::new(Status::OpUnsupported, "This storage can only replace a file as a whole");
            self.refuse(request, &refusal);
            return Outcome::Done;
        }
        open.look_first = false;
        open.flags |= OpenFlags::TRUNCATE;
        Outcome::Again
    }

    fn open_directory_answered(&mut self, job: &mut Job, answer: Answered) -> Outcome {
        let Task::OpenDirectory(open) = &mut job.task else { return Outcome::Done };
        let found = |answer| match answer {
            Ok(Answer::Attributes(found)) => Some(found),
            _ => None,
        };
        let (own, parent) = match &mut open.step {
            OpenDirectoryStep::Open => match answer {
                Ok(Answer::Done) => {
                    open.step = OpenDirectoryStep::Own;
                    return Outcome::Again;
                }
                other => {
                    self.handles.remove(open.handle);
                    self.refuse_error(job.request, &other.err().unwrap_or_else(misfit));
                    return Outcome::Done;
                }
            },
            OpenDirectoryStep::Own if open.path.is_root() => {
                let own = found(answer);
                (own.clone(), own)
            }
            OpenDirectoryStep::Own => {
                open.step = OpenDirectoryStep::Parent { own: found(answer) };
                return Outcome::Again;
            }
            OpenDirectoryStep::Parent { own } => (own.take(), found(answer)),
        };
        if let Some(listing) = self.handles.listing_mut(open.handle) {
            listing.begin(own, parent);
        }
        self.handles.opened(open.handle);
        self.send_handle(job.request, open.handle);
        Outcome::Done
    }

    /// Data that came as a list and not by way of [`Core::read_answered`].
    fn data_answered(&mut self, index: JobIndex, mut job: Job, answer: Answered) {
        if let Task::Check(check) = &job.task
            && check.step != CheckStep::Read
        {
            let outcome = self.check_opened_or_closed(&mut job, answer);
            // What is open waits for no path, and no path for it.
            self.leave_lanes(index, &mut job);
            return self.proceed(index, job, outcome);
        }
        self.read_answered(index, job, |out, length| match answer {
            Ok(Answer::Data(data)) if data.len() <= length => {
                out.extend_from_slice(&data);
                Ok(())
            }
            Ok(_) => Err(misfit()),
            Err(error) => Err(error),
        });
    }

    fn send_data(
        &mut self,
        request: Option<u32>,
        handle: HandleIndex,
        length: usize,
        read: impl FnOnce(&mut Vec<u8>, usize) -> Result<(), Error>,
    ) -> Outcome {
        let Some(id) = request else { return Outcome::Done };
        match self.output.data(id, length, read) {
            Ok(bytes) => self.count_read(handle, bytes as u64),
            Err(error) => self.refuse_error(request, &error),
        }
        Outcome::Done
    }

    fn written(&mut self, job: &mut Job, answer: Answered) -> Outcome {
        match answer {
            Ok(Answer::Done) => {
                if let Task::Write { handle, data, .. } = &job.task {
                    self.count_written(*handle, data.len() as u64);
                }
                self.succeed(job.request);
            }
            other => {
                let error = other.err().unwrap_or_else(misfit);
                // A storage that cannot sync has lost nothing.
                if error.code != ErrorCode::Unsupported || matches!(job.task, Task::Write { .. }) {
                    self.note_failure(&job.task);
                }
                self.refuse_error(job.request, &error);
            }
        }
        Outcome::Done
    }

    fn count_read(&mut self, handle: HandleIndex, bytes: u64) {
        if let Some(file) = self.handles.file_mut(handle) {
            file.bytes_read = file.bytes_read.saturating_add(bytes);
        }
    }

    fn count_written(&mut self, handle: HandleIndex, bytes: u64) {
        if let Some(file) = self.handles.file_mut(handle) {
            file.bytes_written = file.bytes_written.saturating_add(bytes);
            file.upload_offset = file.upload_offset.saturating_add(bytes);
        }
    }

    fn entries_answered(&mut self, request: Option<u32>, handle: HandleIndex, answer: Answered) -> Outcome {
        match answer {
            Ok(Answer::Entries(entries)) => {
                if let Some(listing) = self.handles.listing_mut(handle) {
                    listing.received(entries);
                    if listing.is_empty() && !listing.is_at_end() {
                        return Outcome::Again;
                    }
                }
                self.send_entries(request, handle);
            }
            other => self.refuse_error(request, &other.err().unwrap_or_else(misfit)),
        }
        Outcome::Done
    }

    /// A storage that publishes whole files has nothing of one whose write had failed: its client must not take the
    /// CLOSE for success.
    fn file_closed(&mut self, request: Option<u32>, handle: HandleIndex, ending: Ending, answer: Answered) {
        let written = self.handles.file(handle).is_some_and(|file| file.writable);
        let forgotten = ending == Ending::Discard && written && self.features.contains(Features::ATOMIC_UPLOAD);
        match answer {
            Ok(Answer::Done) if forgotten => {
                let refusal = Refusal::new(Status::Failure, "A write had failed, so nothing was stored");
                self.refuse(request, &refusal);
            }
            Ok(Answer::Done) => self.succeed(request),
            other => self.refuse_error(request, &other.err().unwrap_or_else(misfit)),
        }
    }

    fn copied(&mut self, job: &mut Job, answer: Answered) -> Outcome {
        let Task::Copy(copy) = &mut job.task else { return Outcome::Done };
        let fits = |bytes: u64| copy.remaining.is_none_or(|remaining| bytes <= remaining);
        match answer {
            Ok(Answer::Attributes(source)) if copy.remaining.is_none() => {
                let end = source.size.unwrap_or(MAX_OFFSET).min(MAX_OFFSET);
                let there = end.saturating_sub(copy.source_offset);
                copy.remaining = Some(copy.length.map_or(there, |length| length.min(there)));
                if copy.remaining != Some(0) {
                    return Outcome::Again;
                }
                self.succeed(job.request);
            }
            Ok(Answer::Copied(bytes)) if fits(bytes) && copy.remaining.is_some() => {
                copy.source_offset = copy.source_offset.saturating_add(bytes);
                copy.destination_offset = copy.destination_offset.saturating_add(bytes);
                copy.remaining = copy.remaining.map(|remaining| remaining - bytes);
                let done = bytes == 0 || copy.remaining == Some(0);
                let (source, destination) = (copy.source, copy.destination);
                self.count_read(source, bytes);
                self.count_written(destination, bytes);
                if !done {
                    return Outcome::Again;
                }
                self.succeed(job.request);
            }
            other => {
                self.note_failure(&job.task);
                self.refuse_error(job.request, &other.err().unwrap_or_else(misfit));
            }
        }
        Outcome::Done
    }

    pub fn reply(&mut self, request: Option<u32>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        if let Some(id) = request {
            self.output.reply(kind, id, write);
        }
    }

    fn send_name(&mut self, request: Option<u32>, name: &[u8]) {
        if name.len() > MAX_NAME_BYTES {
            let refusal = Refusal::new(Status::Failure, "The name is too long for a reply");
            return self.refuse(request, &refusal);
        }
        if let Some(id) = request {
            self.output.single_name(id, name);
        }
    }
}

/// An answer that does not fit its call: a fault of whoever answers.
pub fn misfit() -> Error {
    error!(target: "sftp", "an answer does not fit its call");
    ErrorCode::Failure.into()
}

/// The eleven fields of `statvfs@openssh.com` (OpenSSH's PROTOCOL, section 4.4).
fn write_usage(body: &mut Vec<u8>, usage: &Usage, read_only: bool) {
    let mut flags = 0;
    if usage.read_only || read_only {
        flags |= packet::STATVFS_READ_ONLY;
    }
    if usage.no_setuid {
        flags |= packet::STATVFS_NO_SETUID;
    }
    for field in [
        usage.block_size,
        usage.fragment_size,
        usage.blocks,
        usage.blocks_free,
        usage.blocks_available,
        usage.files,
        usage.files_free,
        usage.files_available,
        usage.filesystem_id,
        flags,
        usage.name_max,
    ] {
        body.put_u64(field);
    }
}
