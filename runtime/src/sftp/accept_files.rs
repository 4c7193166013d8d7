//! Requests on open files and directories. On the files that are open by one path reads and looks overlap one another,
//! and everything else runs alone; on one directory everything does.

use super::accept::{Incoming, MAX_OFFSET};
use super::attributes::SentAttributes;
use super::checksum::{Algorithm, Checksum, MIN_BLOCK_BYTES};
use super::core::Core;
use super::handles::{Handle, HandleIndex, Kind, OpenFile, State};
use super::journal::{log_changes, shown};
use super::lanes::{Claim, Mode};
use super::listing::MAX_REPLY_BYTES;
use super::packet;
use super::request::{Check as SentCheck, CopyData};
use super::status::{Refusal, Status};
use super::task::{Check, CheckStep, Copy, Data, Reply, Task};
use super::wire::Writer;
use crate::storage::{Call, Ending, StoragePath};
use tracing::debug;

/// What write(2) says of a descriptor that does not write is EBADF, and that is NO_SUCH_FILE.
const NOT_WRITABLE: Status = Status::NoSuchFile;

impl Core {
    /// What a client's handle stands for, if that is alive.
    fn live(&self, handle: &[u8]) -> Option<(HandleIndex, &Handle)> {
        let index = self.handles.look_up(handle)?;
        let handle = self.handles.get(index)?;
        (handle.state == State::Open).then_some((index, handle))
    }

    fn live_file(&self, handle: &[u8]) -> Result<(HandleIndex, &StoragePath, &OpenFile), Refusal> {
        match self.live(handle) {
            Some((index, Handle { path, kind: Kind::File(file), .. })) => Ok((index, path, file)),
            _ => Err(Status::Failure.into()),
        }
    }

    pub fn close(&mut self, incoming: &Incoming, handle: &[u8]) -> Result<(), Refusal> {
        debug!(target: "sftp", "request {}: close", incoming.id);
        let index = self.handles.look_up(handle).ok_or(Status::NoSuchFile)?;
        if self.handles.get(index).is_some_and(|handle| handle.state == State::Dead) {
            self.handles.remove(index);
            return Err(Refusal::new(Status::Failure, "The storage lost this file meanwhile"));
        }
        self.close_handle(Some(incoming), index, Ending::Commit)
    }

    /// No later request finds the handle; its file is closed when all before it have returned.
    pub fn close_handle(
        &mut self,
        incoming: Option<&Incoming>,
        handle: HandleIndex,
        ending: Ending,
    ) -> Result<(), Refusal> {
        let task = match self.handles.get(handle).map(|handle| &handle.kind) {
            Some(Kind::File(_)) => Task::CloseFile { handle, ending },
            Some(Kind::Directory(_)) => Task::CloseDirectory { handle },
            None => return Err(Status::Failure.into()),
        };
        self.handles.begin_close(handle);
        let charge_bytes = incoming.map_or(0, Incoming::bytes);
        let claims = [self.claim(handle, Mode::Exclusive)];
        self.submit(incoming.map(|incoming| incoming.id), task, claims, charge_bytes);
        Ok(())
    }

    pub fn read(&mut self, incoming: &Incoming, handle: &[u8], offset: u64, length: u32) -> Result<(), Refusal> {
        let (handle, path, file) = self.live_file(handle)?;
        debug!(target: "sftp", "request {}: read \"{}\" off {offset} len {length}", incoming.id, shown(path));
        if offset > MAX_OFFSET {
            return Err(Status::BadMessage.into());
        }
        if !file.readable {
            return Err(Status::Failure.into());
        }
        if length == 0 {
            self.output.reply(packet::DATA, incoming.id, |body| body.put_string(b""));
            return Ok(());
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(self.options.limits.max_read_bytes);
        let task = Task::Read { handle, offset, length, answer: None };
        let (index, _) = self.submit_request(incoming, task, [self.claim(handle, Mode::Shared)], length)?;
        if let Some(file) = self.handles.file_mut(handle) {
            file.reads.push_back(index);
        }
        Ok(())
    }

    pub fn write(
        &mut self,
        incoming: &Incoming,
        handle: &[u8],
        offset: u64,
        data: &[u8],
        trailing: usize,
    ) -> Result<(), Refusal> {
        let (handle, path, file) = self.live_file(handle)?;
        debug!(target: "sftp", "request {}: write \"{}\" off {offset} len {}", incoming.id, shown(path), data.len());
        let offset = file.write_offset(offset);
        if offset <= MAX_OFFSET && !file.writable {
            return Err(NOT_WRITABLE.into());
        }
        if let Some(refusal) = refuse_range(offset, data.len() as u64) {
            self.spoil(handle);
            return Err(refusal);
        }
        let end = incoming.packet.end.saturating_sub(trailing);
        let received = Data::Received(end.saturating_sub(data.len())..end);
        let task = Task::Write { handle, offset, data: received };
        let (job, at_once) = self.submit_request(incoming, task, [self.claim(handle, Mode::Exclusive)], 0)?;
        if !at_once || self.lost {
            self.keep_payload(job, data);
        }
        Ok(())
    }

    /// A write that waits owns its bytes: where they were received others will be.
    fn keep_payload(&mut self, job: super::jobs::JobIndex, data: &[u8]) {
        let mut buffer = self.spare_buffer();
        buffer.extend_from_slice(data);
        if let Some(Task::Write { data, .. }) = self.jobs.get_mut(job).map(|job| &mut job.task) {
            *data = Data::Copied(buffer);
        }
    }

    /// The place in line of what is done with what a handle stands for.
    pub fn claim(&self, handle: HandleIndex, mode: Mode) -> Claim {
        Claim::open(self.handles.get(handle).map_or(0, |handle| handle.lane), mode)
    }

    fn spoil(&mut self, handle: HandleIndex) {
        if let Some(file) = self.handles.file_mut(handle) {
            file.write_failed = true;
        }
    }

    pub fn file_stat(&mut self, incoming: &Incoming, handle: &[u8]) -> Result<(), Refusal> {
        let (handle, path, _) = self.live_file(handle)?;
        debug!(target: "sftp", "request {}: fstat \"{}\"", incoming.id, shown(path));
        let task = Task::Plain { call: Some(Call::FileStat { file: handle.file() }), reply: Reply::Attributes };
        self.submit_request(incoming, task, [self.claim(handle, Mode::Shared)], 0)?;
        Ok(())
    }

    pub fn file_set_stat(
        &mut self,
        incoming: &Incoming,
        handle: &[u8],
        sent: &SentAttributes<'_>,
    ) -> Result<(), Refusal> {
        let (handle, path, file) = self.live_file(handle)?;
        log_changes(path, sent, self.options.utc_offset_seconds);
        if sent.size.is_some() && !file.writable {
            return Err(Status::BadMessage.into());
        }
        let changes = self.changes(sent, true)?;
        let task = Task::Change { handle, changes };
        self.submit_request(incoming, task, [self.claim(handle, Mode::Exclusive)], 0)?;
        Ok(())
    }

    pub fn file_usage(&mut self, incoming: &Incoming, handle: &[u8]) -> Result<(), Refusal> {
        let (handle, path, _) = self.live_file(handle)?;
        debug!(target: "sftp", "request {}: fstatvfs \"{}\"", incoming.id, shown(path));
        let task = Task::Plain { call: Some(Call::FileUsage { file: handle.file() }), reply: Reply::Usage };
        self.submit_request(incoming, task, [self.claim(handle, Mode::Exclusive)], 0)?;
        Ok(())
    }

    pub fn sync(&mut self, incoming: &Incoming, handle: &[u8]) -> Result<(), Refusal> {
        let (handle, path) = match self.handles.look_up(handle) {
            // A directory's handle is no file's, as OpenSSH has it.
            Some(index) if self.handles.file(index).is_none() => return Err(Status::NoSuchFile.into()),
            Some(_) => self.live_file(handle).map(|(handle, path, _)| (handle, path))?,
            None => return Err(Status::NoSuchFile.into()),
        };
        debug!(target: "sftp", "fsync \"{}\"", shown(path));
        self.submit_request(incoming, Task::Sync { handle }, [self.claim(handle, Mode::Exclusive)], 0)?;
        Ok(())
    }

    pub fn read_directory(&mut self, incoming: &Incoming, handle: &[u8]) -> Result<(), Refusal> {
        let handle = match self.live(handle) {
            Some((index, Handle { path, kind: Kind::Directory(_), .. })) => {
                debug!(target: "sftp", "request {}: readdir \"{}\"", incoming.id, shown(path));
                index
            }
            _ => return Err(Status::Failure.into()),
        };
        let claims = [self.claim(handle, Mode::Exclusive)];
        self.submit_request(incoming, Task::ReadDirectory { handle }, claims, MAX_REPLY_BYTES)?;
        Ok(())
    }

    pub fn copy_data(&mut self, incoming: &Incoming, sent: CopyData<'_>) -> Result<(), Refusal> {
        let (source, source_path, from) = self.live_file(sent.source)?;
        let (destination, destination_path, to) = self.live_file(sent.destination)?;
        debug!(
            target: "sftp",
            "request {}: copy-data from \"{}\" off {} len {} to \"{}\" off {}",
            incoming.id, shown(source_path), sent.source_offset, sent.length,
            shown(destination_path), sent.destination_offset
        );
        // Two handles of one path are taken for one file, as they nearly always are.
        if (source == destination || source_path == destination_path) && overlaps(&sent) {
            return Err(Refusal::new(Status::Failure, "The ranges overlap"));
        }
        let destination_offset = to.write_offset(sent.destination_offset);
        let refused = refuse_range(sent.source_offset, 0);
        if let Some(refusal) = refused.or_else(|| refuse_range(destination_offset, 0)) {
            return Err(refusal);
        }
        if !from.readable {
            return Err(Status::Failure.into());
        }
        if !to.writable {
            return Err(NOT_WRITABLE.into());
        }
        // No file goes on beyond it.
        let longest = MAX_OFFSET - sent.source_offset.max(destination_offset);
        let task = Task::Copy(Copy {
            source,
            source_offset: sent.source_offset,
            length: (sent.length > 0).then_some(sent.length.min(longest)),
            remaining: None,
            destination,
            destination_offset,
        });
        let (from, to) = (self.claim(source, Mode::Shared), self.claim(destination, Mode::Exclusive));
        if from.lane == to.lane {
            self.submit_request(incoming, task, [to], 0)?;
        } else {
            self.submit_request(incoming, task, [from, to], 0)?;
        }
        Ok(())
    }

    pub fn check_handle(&mut self, incoming: &Incoming, handle: &[u8], sent: SentCheck<'_>) -> Result<(), Refusal> {
        let (handle, path, file) = self.live_file(handle)?;
        debug!(target: "sftp", "request {}: check-file \"{}\"", incoming.id, shown(path));
        if !file.readable {
            return Err(Status::Failure.into());
        }
        let task = Task::Check(Box::new(check(handle, sent, CheckStep::Read, None)?));
        let charge = self.options.limits.max_read_bytes;
        self.submit_request(incoming, task, [self.claim(handle, Mode::Shared)], charge)?;
        Ok(())
    }

    pub fn check_path(&mut self, incoming: &Incoming, path: &[u8], sent: SentCheck<'_>) -> Result<(), Refusal> {
        let path = self.path(path)?;
        debug!(target: "sftp", "request {}: check-file \"{}\"", incoming.id, shown(&path));
        let handle = self.reserve_handle(&path, Kind::File(OpenFile::new(true, false, false)))?;
        let task = match check(handle, sent, CheckStep::Open, Some(path)) {
            Ok(check) => Task::Check(Box::new(check)),
            Err(refusal) => {
                self.handles.remove(handle);
                return Err(refusal);
            }
        };
        let charge = self.options.limits.max_read_bytes;
        let claims = [Claim::paths(Mode::Shared), self.claim(handle, Mode::Shared)];
        self.submit_request(incoming, task, claims, charge)?;
        Ok(())
    }
}

fn check(
    handle: HandleIndex,
    sent: SentCheck<'_>,
    step: CheckStep,
    opened_by: Option<StoragePath>,
) -> Result<Check, Refusal> {
    let algorithm = Algorithm::choose(sent.algorithms);
    let algorithm = algorithm.ok_or(Refusal::new(Status::Failure, "No supported hash algorithm"))?;
    if (1..MIN_BLOCK_BYTES).contains(&sent.block_size) {
        return Err(Refusal::new(Status::Failure, "Block size too small"));
    }
    if let Some(refusal) = refuse_range(sent.offset, sent.length) {
        return Err(refusal);
    }
    let block_bytes = usize::try_from(sent.block_size).ok().filter(|bytes| *bytes > 0);
    Ok(Check {
        handle,
        offset: sent.offset,
        remaining: (sent.length > 0).then_some(sent.length),
        checksum: Checksum::new(algorithm, block_bytes),
        step,
        opened_by,
        refusal: None,
    })
}

/// As lseek(2) and write(2) refuse what lies beyond the greatest offset: EINVAL for the start, EFBIG for the end.
fn refuse_range(offset: u64, length: u64) -> Option<Refusal> {
    if offset > MAX_OFFSET {
        return Some(Status::BadMessage.into());
    }
    (length > MAX_OFFSET - offset).then(|| Status::Failure.into())
}

/// A range to the end overlaps every other one to the end.
fn overlaps(copy: &CopyData<'_>) -> bool {
    copy.length == 0 || copy.source_offset.abs_diff(copy.destination_offset) < copy.length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_25_overlap() {
        let copy = |source_offset, destination_offset, length| {
            overlaps(&CopyData { source: b"", source_offset, length, destination: b"", destination_offset })
        };
        assert!(copy(0, 0, 1));
        assert!(copy(0, 9, 10) && copy(9, 0, 10));
        assert!(!copy(0, 10, 10) && !copy(10, 0, 10));
        assert!(copy(0, 1 << 40, 0));
    }

    #[test]
    fn ranges_end_where_files_do() {
        assert_eq!(refuse_range(MAX_OFFSET, 0), None);
        assert_eq!(refuse_range(MAX_OFFSET + 1, 0), Some(Status::BadMessage.into()));
        assert_eq!(refuse_range(MAX_OFFSET, 1), Some(Status::Failure.into()));
        assert_eq!(refuse_range(0, u64::MAX), Some(Status::Failure.into()));
    }
}
