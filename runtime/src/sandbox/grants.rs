//! What an operator granted. A guest's authority is this and nothing else.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;

/// Whether a grant allows changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// A directory of the host under a name of the guest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGrant {
    pub host: PathBuf,
    /// Begins with '/'.
    pub guest: String,
    pub access: Access,
}

/// All that a guest is given. An empty one gives nothing.
#[derive(Clone, Debug)]
pub struct Grants {
    pub directories: Vec<DirectoryGrant>,
    pub environment: Vec<(String, String)>,
    /// Handed to `connect`; the values are never logged.
    pub settings: Vec<(String, String)>,
    /// Whether files may be given to other owners.
    pub allow_chown: bool,
    /// Whether the bits setuid and setgid may be set.
    pub allow_setid: bool,
}

/// A granted directory that cannot be opened.
#[derive(Debug, Error)]
pub enum GrantError {
    #[error("{path}: there is no such directory; create it or name another")]
    Missing { path: PathBuf },
    #[error("{path}: is not a directory; name the directory to serve")]
    NotADirectory { path: PathBuf },
    #[error("{path}: permission denied; let the user who runs strongroom read and enter it")]
    Denied { path: PathBuf },
    #[error("{path}: cannot be opened: {source}")]
    Other { path: PathBuf, source: io::Error },
}

/// Grants with their directories held open, so that a fresh instance needs no path of the host.
#[derive(Clone)]
pub struct OpenGrants {
    pub(super) directories: Vec<OpenDirectory>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) settings: Vec<(String, String)>,
    pub(super) allow_chown: bool,
    pub(super) allow_setid: bool,
}

#[derive(Clone)]
pub(super) struct OpenDirectory {
    pub file: Arc<File>,
    pub guest: String,
    pub access: Access,
}

impl Grants {
    /// Opens the granted directories, once for the life of the process.
    pub fn open(self) -> Result<OpenGrants, GrantError> {
        let directories = self.directories.into_iter().map(open_directory).collect::<Result<_, _>>()?;
        Ok(OpenGrants {
            directories,
            environment: self.environment,
            settings: self.settings,
            allow_chown: self.allow_chown,
            allow_setid: self.allow_setid,
        })
    }
}

fn open_directory(grant: DirectoryGrant) -> Result<OpenDirectory, GrantError> {
    let flags = rustix::fs::OFlags::DIRECTORY.bits().cast_signed();
    match OpenOptions::new().read(true).custom_flags(flags).open(&grant.host) {
        Ok(file) => Ok(OpenDirectory { file: Arc::new(file), guest: grant.guest, access: grant.access }),
        Err(source) => Err(GrantError::new(grant.host, source)),
    }
}

impl GrantError {
    fn new(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            _ => Self::Other { path, source },
        }
    }
}
