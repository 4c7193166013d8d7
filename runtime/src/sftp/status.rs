//! What a client is told about success and failure: a number of version 3, and a text that gives nothing away.

use crate::storage::{self, ErrorCode};
use std::borrow::Cow;

/// A guest's message is cut to this many bytes.
const MAX_MESSAGE_BYTES: usize = 256;

/// SSH_FX_* as far as a server sends them (draft-ietf-secsh-filexfer-02, section 7). Version 3 has none above 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok = 0,
    Eof = 1,
    NoSuchFile = 2,
    PermissionDenied = 3,
    Failure = 4,
    BadMessage = 5,
    OpUnsupported = 8,
}

impl Status {
    pub fn number(self) -> u32 {
        self as u32
    }

    /// OpenSSH's words.
    pub fn text(self) -> &'static str {
        match self {
            Status::Ok => "Success",
            Status::Eof => "End of file",
            Status::NoSuchFile => "No such file",
            Status::PermissionDenied => "Permission denied",
            Status::Failure => "Failure",
            Status::BadMessage => "Bad message",
            Status::OpUnsupported => "Operation unsupported",
        }
    }

    /// The status of each error (`types.error-code` in the contract says it case by case).
    pub fn of(code: ErrorCode) -> Self {
        use ErrorCode::*;
        match code {
            NoSuchFile | NotADirectory | Loop => Status::NoSuchFile,
            PermissionDenied | ReadOnly => Status::PermissionDenied,
            InvalidArgument | NameTooLong => Status::BadMessage,
            Unsupported => Status::OpUnsupported,
            AlreadyExists | IsADirectory | NotEmpty | NoSpace | QuotaExceeded | FileTooLarge | TooManyLinks
            | TooManyOpen | CrossDevice | Busy | Conflict | Corrupt | Unavailable | TimedOut | NotAuthenticated
            | Failure => Status::Failure,
        }
    }
}

/// Why a request is not served: what the STATUS reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: Status,
    pub message: Cow<'static, str>,
}

impl Refusal {
    pub fn new(status: Status, message: &'static str) -> Self {
        Self { status, message: Cow::Borrowed(message) }
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::new(status, status.text())
    }
}

impl From<&storage::Error> for Refusal {
    fn from(error: &storage::Error) -> Self {
        let message = printable(&error.message);
        let message = if message.is_empty() { Cow::Borrowed(own_words(error.code)) } else { Cow::Owned(message) };
        Self { status: Status::of(error.code), message }
    }
}

/// The host's own words for what version 3 has no number for. Those that a file system answers every day stay as
/// OpenSSH has them.
fn own_words(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NoSpace => "No space left",
        ErrorCode::QuotaExceeded => "Quota exceeded",
        ErrorCode::FileTooLarge => "File too large",
        ErrorCode::Busy => "Busy",
        ErrorCode::Conflict => "Changed by someone else meanwhile",
        ErrorCode::Corrupt => "The stored data are damaged",
        ErrorCode::Unavailable => "Storage unavailable",
        ErrorCode::TimedOut => "Storage timed out",
        code => Status::of(code).text(),
    }
}

/// A guest's text as a client may see it: no control characters, not too long.
fn printable(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        if out.len() + character.len_utf8() > MAX_MESSAGE_BYTES {
            break;
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_17_errors_become_statuses() {
        let of = |code: ErrorCode| Status::of(code);
        assert_eq!(of(ErrorCode::NotADirectory), Status::NoSuchFile);
        assert_eq!(of(ErrorCode::Loop), Status::NoSuchFile);
        assert_eq!(of(ErrorCode::ReadOnly), Status::PermissionDenied);
        assert_eq!(of(ErrorCode::NameTooLong), Status::BadMessage);
        assert_eq!(of(ErrorCode::InvalidArgument), Status::BadMessage);
        assert_eq!(of(ErrorCode::Unsupported), Status::OpUnsupported);
        assert_eq!(of(ErrorCode::NotEmpty), Status::Failure);
        assert_eq!(of(ErrorCode::NotAuthenticated), Status::Failure);
    }

    #[test]
    fn a_guests_message_is_cut_and_cleaned() {
        let error = storage::Error {
            code: ErrorCode::Failure,
            message: format!("a\x1b[31m\nb{}", "é".repeat(300)),
            detail: None,
        };
        let refusal = Refusal::from(&error);
        assert!(refusal.message.starts_with("a[31mbé"));
        assert!(refusal.message.len() <= MAX_MESSAGE_BYTES);
    }

    #[test]
    fn an_empty_message_gets_the_hosts_words() {
        assert_eq!(Refusal::from(&ErrorCode::NoSuchFile.into()), Status::NoSuchFile.into());
        assert_eq!(Refusal::from(&ErrorCode::NoSpace.into()), Refusal::new(Status::Failure, "No space left"));
    }
}
