//! What an operator granted. A guest's authority is this and nothing else.

use super::network::NetworkGrants;
use crate::confine;
use rustix::fs::{Mode, OFlags};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
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
    pub network: NetworkGrants,
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

/// Grants with their directories held open: what is checked is what is served, and a fresh instance needs no path of
/// the host.
#[derive(Clone, Debug)]
pub struct OpenGrants {
    pub directories: Vec<OpenDirectory>,
    pub network: NetworkGrants,
    pub environment: Vec<(String, String)>,
    /// Handed to `connect`; the values are never logged.
    pub settings: Vec<(String, String)>,
    pub allow_chown: bool,
    pub allow_setid: bool,
    /// What is left in a guest's hands of a file that was closed: the first granted directory, as one that can only be
    /// looked at (O_PATH).
    pub closed: Option<Arc<File>>,
}

/// A granted directory, open.
#[derive(Clone, Debug)]
pub struct OpenDirectory {
    pub file: Arc<File>,
    /// What it was opened by; for messages.
    pub host: PathBuf,
    /// Begins with '/'.
    pub guest: String,
    pub access: Access,
}

impl OpenDirectory {
    fn to_look_at(&self) -> Option<Arc<File>> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        Some(Arc::new(rustix::fs::openat(&self.file, ".", flags, Mode::empty()).ok()?.into()))
    }
}

impl Grants {
    /// Opens the granted directories, once for the life of the process.
    pub fn open(self) -> Result<OpenGrants, GrantError> {
        let directories = self.directories.into_iter().map(DirectoryGrant::open).collect::<Result<Vec<_>, _>>()?;
        Ok(OpenGrants {
            closed: directories.first().and_then(OpenDirectory::to_look_at),
            directories,
            network: self.network,
            environment: self.environment,
            settings: self.settings,
            allow_chown: self.allow_chown,
            allow_setid: self.allow_setid,
        })
    }
}

impl DirectoryGrant {
    /// Opens the directory that the path names now.
    pub fn open(self) -> Result<OpenDirectory, GrantError> {
        let Self { host, guest, access } = self;
        let flags = OFlags::DIRECTORY.bits().cast_signed();
        match OpenOptions::new().read(true).custom_flags(flags).open(&host) {
            Ok(file) => Ok(OpenDirectory { file: Arc::new(file), host, guest, access }),
            Err(source) => Err(GrantError::new(host, source)),
        }
    }
}

impl OpenDirectory {
    /// What must stay reachable of it when the process is confined.
    pub fn reach(&self) -> confine::Directory<'_> {
        confine::Directory { descriptor: self.file.as_fd(), is_writable: self.access == Access::ReadWrite }
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
