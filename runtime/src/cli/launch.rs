//! What a session is started with: every decision of the operator, with nothing left to parse.

use crate::limits::Limits;
use crate::log::Peer;
use crate::sandbox::Grants;
use crate::sftp::RequestPolicy;
use std::path::PathBuf;

/// Which component serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestSource {
    /// The embedded jail.
    Jail,
    /// The embedded storage that lives as long as the session.
    Memory,
    /// A component that exports the contract.
    File(PathBuf),
}

/// One session, fully described.
#[derive(Clone, Debug)]
pub struct Launch {
    pub guest: GuestSource,
    pub grants: Grants,
    /// Refuse whatever would change the storage.
    pub read_only: bool,
    /// Permission bits to take from new files; the umask that the process was started with if absent.
    pub umask: Option<u16>,
    /// Where relative paths start, inside the storage, escaped as the contract has it; its own home if absent.
    pub start_directory: Option<String>,
    pub requests: RequestPolicy,
    /// Accept changes to attributes that the storage does not keep, and forget them.
    pub ignore_unsupported_attributes: bool,
    /// Where compiled guests are kept; nowhere without one.
    pub cache_dir: Option<PathBuf>,
    pub limits: Limits,
    /// Whom the session serves.
    pub peer: Peer,
}
