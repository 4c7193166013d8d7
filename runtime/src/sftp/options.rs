//! What the operator decides for a session: its limits and its rules.

use super::policy::RequestPolicy;
use std::sync::Arc;

/// Every limit of a session on the wire. Beyond these a client is made to wait or is told FAILURE; it never makes the
/// server hold more.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest packet that is taken, as its length field counts it; OpenSSH's is 262144. Told by
    /// `limits@openssh.com`, which names 1024 bytes less as the longest write.
    pub max_packet_bytes: usize,
    /// What a READ is cut to; OpenSSH's is 261120. More than 262135 would make OpenSSH's client give up, so more is
    /// never sent.
    pub max_read_bytes: usize,
    /// Open files and directories together.
    pub max_handles: usize,
    /// Requests that are being served or wait for their turn.
    pub max_calls_in_flight: usize,
    /// Bytes of those requests and of the payload that their answers may bring. One request is always let in.
    pub max_bytes_in_flight: usize,
    /// Replies that are not sent yet. Above it no further request is looked at.
    pub max_output_bytes: usize,
    /// The longest path or link target, as the client sends it.
    pub max_path_bytes: usize,
}

/// Where user and group names for numbers come from. What it tells, every client is told.
pub trait Names: Send + Sync {
    /// The name of a user, if there is one.
    fn user(&self, uid: u32) -> Option<String>;
    /// The name of a group, if there is one.
    fn group(&self, gid: u32) -> Option<String>;
}

/// The rules of one session.
#[derive(Clone)]
pub struct Options {
    pub limits: Limits,
    /// Refuse whatever would change the storage with PERMISSION_DENIED.
    pub read_only: bool,
    /// Permission bits taken from those of new files and directories.
    pub umask: u16,
    /// Which requests are served at all.
    pub requests: RequestPolicy,
    /// Where relative paths start, inside the storage; the storage's own home without it.
    pub start_directory: Option<String>,
    /// Changes to attributes that the storage does not keep are accepted and forgotten (WinSCP shows an error otherwise)
    /// or, if false, answered by OP_UNSUPPORTED.
    pub ignore_unsupported_attributes: bool,
    /// Seconds east of UTC, for the dates in long names.
    pub utc_offset_seconds: i32,
    /// The session's own user, for `home-directory` and `~user`. No other user's home is ever told.
    pub user: String,
    /// Names of users and groups for long names and `users-groups-by-id@openssh.com`, which is not offered without it.
    pub show_names: Option<Arc<dyn Names>>,
}
