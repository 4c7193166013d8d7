//! The log file: appended to by many sessions at once, one write a line.

use rustix::fs::{FileType, Mode, OFlags};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The log file cannot be used.
#[derive(Debug, Error)]
pub enum LogFileError {
    #[error("{path}: the log cannot be a symbolic link; name the file that it points to")]
    SymbolicLink { path: PathBuf },
    #[error("{path}: the log must be a regular file; name another, or use -e for standard error")]
    NotAFile { path: PathBuf },
    #[error(
        "{path}: the log cannot be opened ({source}); let the user who runs strongroom write there, or name another"
    )]
    Open { path: PathBuf, source: io::Error },
}

/// Opens for appending, and creates with permissions 0600. Devices such as /dev/null will do.
pub(super) fn open(path: &Path) -> Result<File, LogFileError> {
    // NONBLOCK because a FIFO without a reader would hang the session before it began.
    let flags = OFlags::WRONLY
        | OFlags::APPEND
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::CLOEXEC
        | OFlags::NOCTTY
        | OFlags::NONBLOCK;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| failure(path, errno))?;
    let stat = rustix::fs::fstat(&file).map_err(|errno| failure(path, errno))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile | FileType::CharacterDevice => Ok(File::from(file)),
        _ => Err(LogFileError::NotAFile { path: path.to_owned() }),
    }
}

fn failure(path: &Path, errno: rustix::io::Errno) -> LogFileError {
    let path = path.to_owned();
    match errno {
        rustix::io::Errno::LOOP => LogFileError::SymbolicLink { path },
        rustix::io::Errno::ISDIR | rustix::io::Errno::NXIO => LogFileError::NotAFile { path },
        errno => LogFileError::Open { path, source: errno.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn created_for_its_owner_only_and_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        open(&path).unwrap().write_all(b"one\n").unwrap();
        open(&path).unwrap().write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn no_links_directories_or_fifos() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("target"), &link).unwrap();
        assert!(matches!(open(&link), Err(LogFileError::SymbolicLink { .. })));
        assert!(!folder.path().join("target").exists());
        assert!(matches!(open(folder.path()), Err(LogFileError::NotAFile { .. })));
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(matches!(open(&fifo), Err(LogFileError::NotAFile { .. })));
        assert!(matches!(open(&folder.path().join("none/log")), Err(LogFileError::Open { .. })));
    }
}
