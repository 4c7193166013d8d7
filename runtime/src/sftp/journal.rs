//! The log lines that people grep, in OpenSSH's wording (sftp-server.c). Each is one event on one line, and whatever a
//! client or a guest supplied stands in it as `vis` shows it.

use super::attributes::SentAttributes;
use super::calendar::Moment;
use super::core::Core;
use super::handles::Kind;
use super::jobs::Job;
use super::packet;
use super::task::Task;
use crate::storage::{StoragePath, unescape};
use crate::vis::Vis;
use std::fmt::{self, Display};
use tracing::info;

/// A path in a log line, byte for byte what the client would see.
pub fn shown(path: &StoragePath) -> impl Display {
    shown_text(path.as_str())
}

/// A string of the contract in a log line.
pub fn shown_text(text: &str) -> impl Display {
    fmt::from_fn(move |f| Vis(&unescape(text)).fmt(f))
}

/// Open flags as OpenSSH writes them.
pub fn open_flags(flags: u32) -> impl Display {
    const NAMES: [(u32, &str); 6] = [
        (packet::OPEN_READ, "READ"),
        (packet::OPEN_WRITE, "WRITE"),
        (packet::OPEN_APPEND, "APPEND"),
        (packet::OPEN_CREATE, "CREATE"),
        (packet::OPEN_TRUNCATE, "TRUNCATE"),
        (packet::OPEN_EXCLUSIVE, "EXCL"),
    ];
    fmt::from_fn(move |f| {
        let mut named = NAMES.iter().filter(|(bit, _)| flags & bit != 0);
        named.next().map_or(Ok(()), |(_, name)| f.write_str(name))?;
        named.try_for_each(|(_, name)| write!(f, ",{name}"))
    })
}

/// A line for each attribute that is to be set.
pub fn log_changes(path: &StoragePath, sent: &SentAttributes<'_>, utc_offset_seconds: i32) {
    let path = shown(path);
    if let Some(size) = sent.size {
        info!(target: "sftp", "set \"{path}\" size {size}");
    }
    if let Some(mode) = sent.permissions {
        info!(target: "sftp", "set \"{path}\" mode {mode:04o}");
    }
    if let Some(times) = sent.times {
        let moment = Moment::new(i64::from(times.modified), utc_offset_seconds);
        info!(target: "sftp", "set \"{path}\" modtime {}", moment.compact());
    }
    if let Some(owner) = sent.owner {
        info!(target: "sftp", "set \"{path}\" owner {} group {}", owner.uid, owner.gid);
    }
}

impl Core {
    /// A file or directory is being closed; all that was done with it before has returned.
    pub fn log_close(&self, job: &Job) {
        let (Task::CloseFile { handle, .. } | Task::CloseDirectory { handle }) = job.task else { return };
        let forced = if job.request.is_none() { "forced " } else { "" };
        let Some(handle) = self.handles.get(handle) else { return };
        let path = shown(&handle.path);
        match &handle.kind {
            Kind::File(file) => info!(
                target: "sftp",
                "{forced}close \"{path}\" bytes read {} written {}", file.bytes_read, file.bytes_written
            ),
            Kind::Directory(_) => info!(target: "sftp", "{forced}closedir \"{path}\""),
        }
    }
}
