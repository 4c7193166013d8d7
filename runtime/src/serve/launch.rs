//! What a session is started with: every decision of the operator, with nothing left to parse.

use crate::confine;
use crate::limits::Limits;
use crate::log::Peer;
use crate::sandbox::{OpenGrants, Source};
use crate::sftp::RequestPolicy;
use std::path::PathBuf;

/// One session, fully described.
#[derive(Clone, Debug)]
pub struct Launch {
    pub guest: Source,
    pub grants: OpenGrants,
    /// Refuse whatever would change the storage.
    pub read_only: bool,
    /// Permission bits to take from new files; the umask that the process was started with if absent.
    pub umask: Option<u16>,
    /// Where relative paths start, inside the storage, escaped as the contract has it; its own home if absent.
    pub start_directory: Option<String>,
    pub requests: RequestPolicy,
    /// Accept changes to attributes that the storage does not keep, and forget them.
    pub ignore_unsupported_attributes: bool,
    /// Tell the client the host's names of users and groups.
    pub show_names: bool,
    /// Where compiled guests are kept; nowhere without one.
    pub cache_dir: Option<PathBuf>,
    pub limits: Limits,
    /// What the process gives up before it serves.
    pub confinement: confine::Policy,
    /// Whether a socket of the system's log is open.
    pub system_log: bool,
    /// Whom the session serves.
    pub peer: Peer,
}
