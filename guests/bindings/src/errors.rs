//! Errors of the contract from bare codes, and from what WASI and `posix` answer.

use crate::types::{Error, ErrorCode};
use alloc::string::{String, ToString};
use wasip2::filesystem::types::ErrorCode as System;

impl Error {
    /// An error that leaves the words to the host.
    pub fn new(code: ErrorCode) -> Self {
        Self { code, message: String::new(), detail: None }
    }

    /// The same with a text for the operator's log.
    pub fn with_detail(self, detail: &str) -> Self {
        Self { detail: Some(detail.to_string()), ..self }
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
}
