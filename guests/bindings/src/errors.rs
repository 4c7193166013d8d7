//! Errors of the contract from bare codes, and from what WASI, `posix` and the standard library answer.

use crate::types::{Error, ErrorCode};
use alloc::string::{String, ToString};
use core::fmt::Display;
use wasip2::filesystem::types::ErrorCode as System;

impl Error {
    /// An error that leaves the words to the host.
    pub fn new(code: ErrorCode) -> Self {
        Self { code, message: String::new(), detail: None }
    }

    /// The same with a text that the client is shown. It names no host, credential or path other than the client's.
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// The same with a text for the operator's log.
    pub fn with_detail(self, detail: impl Display) -> Self {
        Self { detail: Some(detail.to_string()), ..self }
    }

    /// `failure`, for the reason that the operator's log is told.
    pub fn failure(detail: impl Display) -> Self {
        Self::new(ErrorCode::Failure).with_detail(detail)
    }

    /// `unavailable`: what the storage stands on cannot be reached, for the reason that the operator's log is told.
    pub fn unavailable(detail: impl Display) -> Self {
        Self::new(ErrorCode::Unavailable).with_detail(detail)
    }

    /// `invalid-argument` from `connect`: the operator has to mend the setting or grant that `detail` names.
    pub fn misconfigured(detail: impl Display) -> Self {
        Self::new(ErrorCode::InvalidArgument).with_detail(detail)
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl From<System> for Error {
    fn from(system: System) -> Self {
        let error = Self::new(ErrorCode::from(system));
        // These codes stand for several of the system's, so the log is told which it was.
        if matches!(error.code, ErrorCode::Failure | ErrorCode::Busy | ErrorCode::Unavailable) {
            error.with_detail(system.name())
        } else {
            error
        }
    }
}

#[cfg(any(feature = "std", not(target_arch = "wasm32")))]
impl From<std::io::Error> for Error {
    /// The code from the kind of error, and its whole text for the operator's log.
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let code = match error.kind() {
            Kind::NotFound => ErrorCode::NoSuchFile,
            Kind::NotADirectory => ErrorCode::NotADirectory,
            Kind::PermissionDenied => ErrorCode::PermissionDenied,
            Kind::ReadOnlyFilesystem => ErrorCode::ReadOnly,
            Kind::InvalidInput | Kind::InvalidFilename => ErrorCode::InvalidArgument,
            Kind::Unsupported => ErrorCode::Unsupported,
            Kind::AlreadyExists => ErrorCode::AlreadyExists,
            Kind::IsADirectory => ErrorCode::IsADirectory,
            Kind::DirectoryNotEmpty => ErrorCode::NotEmpty,
            Kind::StorageFull => ErrorCode::NoSpace,
            Kind::QuotaExceeded => ErrorCode::QuotaExceeded,
            Kind::FileTooLarge => ErrorCode::FileTooLarge,
            Kind::TooManyLinks => ErrorCode::TooManyLinks,
            Kind::CrossesDevices => ErrorCode::CrossDevice,
            Kind::ResourceBusy | Kind::ExecutableFileBusy | Kind::WouldBlock => ErrorCode::Busy,
            Kind::InvalidData | Kind::UnexpectedEof => ErrorCode::Corrupt,
            Kind::TimedOut => ErrorCode::TimedOut,
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown
            | Kind::NotConnected
            | Kind::BrokenPipe => ErrorCode::Unavailable,
            _ => ErrorCode::Failure,
        };
        Self::new(code).with_detail(error)
    }
}

impl From<System> for ErrorCode {
    fn from(system: System) -> Self {
        match system {
            System::Access | System::NotPermitted => Self::PermissionDenied,
            System::Already
            | System::Busy
            | System::Deadlock
            | System::InProgress
            | System::NoLock
            | System::TextFileBusy
            | System::WouldBlock => Self::Busy,
            System::CrossDevice => Self::CrossDevice,
            System::Exist => Self::AlreadyExists,
            System::FileTooLarge | System::Overflow => Self::FileTooLarge,
            System::IllegalByteSequence | System::Invalid => Self::InvalidArgument,
            System::InsufficientMemory | System::Interrupted => Self::Unavailable,
            System::InsufficientSpace => Self::NoSpace,
            System::IsDirectory => Self::IsADirectory,
            System::Loop => Self::Loop,
            System::NameTooLong => Self::NameTooLong,
            System::NoEntry => Self::NoSuchFile,
            System::NotDirectory => Self::NotADirectory,
            System::NotEmpty => Self::NotEmpty,
            System::Quota => Self::QuotaExceeded,
            System::ReadOnly => Self::ReadOnly,
            System::TooManyLinks => Self::TooManyLinks,
            System::Unsupported => Self::Unsupported,
            System::BadDescriptor
            | System::InvalidSeek
            | System::Io
            | System::MessageSize
            | System::NoDevice
            | System::NoSuchDevice
            | System::NoTty
            | System::NotRecoverable
            | System::Pipe => Self::Failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_says_all_has_no_detail() {
        let error = Error::from(System::NoEntry);
        assert_eq!(error.code, ErrorCode::NoSuchFile);
        assert_eq!(error.message, "");
        assert_eq!(error.detail, None);
    }

    #[test]
    fn a_general_failure_names_its_cause_to_the_log_only() {
        let error = Error::from(System::Io);
        assert_eq!(error.code, ErrorCode::Failure);
        assert_eq!(error.message, "");
        assert_eq!(error.detail.as_deref(), Some("io"));
    }

    #[test]
    fn an_error_of_the_standard_library_is_told_to_the_log() {
        let error = Error::from(std::io::Error::new(std::io::ErrorKind::NotFound, "no /secret/place"));
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::NoSuchFile, ""));
        assert_eq!(error.detail.as_deref(), Some("no /secret/place"));
    }
}
