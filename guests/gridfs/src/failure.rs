//! Why a command did not do what it was to, and what the contract calls that.

use crate::scram::ScramError;
use crate::system::Broken;
use crate::wire::WireError;
use bson::RawDocument;
use bson::error::Error as BsonError;
use strongroom_guest::{Error, ErrorCode};
use thiserror::Error;

/// A key that has to be unique is there already.
pub const DUPLICATE_KEY: i32 = 11000;

const UNAUTHORIZED: i32 = 13;
const AUTHENTICATION_FAILED: i32 = 18;
const NAMESPACE_NOT_FOUND: i32 = 26;
const COMMAND_NOT_FOUND: i32 = 59;
const NO_SPACE: [i32; 2] = [14031, 12501];
const TIMED_OUT: [i32; 3] = [50, 262, 202];
/// The server shuts down, is no primary any more, or cannot reach others: a retry elsewhere or later may help.
const UNAVAILABLE: [i32; 11] = [6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436];

/// Why a command failed. The texts are for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    #[error("the connection is lost: {0}")]
    Lost(Broken),
    #[error("no connection: {0}")]
    Unreachable(Broken),
    #[error("the server does not keep to the protocol: {0}")]
    Protocol(String),
    #[error("the server does not let us in: {0}")]
    Authentication(String),
    #[error("the server cannot be used: {0}")]
    Unusable(String),
    #[error("the server refused a command: {message} ({code})")]
    Command { code: i32, message: String },
    #[error("what is stored is damaged: {0}")]
    Corrupt(String),
}

impl Failure {
    /// What a reply tells of a failure.
    pub fn of_reply(reply: &RawDocument) -> Result<(), Self> {
        let is_ok = match reply.get("ok")? {
            Some(value) => value.as_f64().is_some_and(|ok| ok == 1.0) || value.as_i32() == Some(1),
            None => false,
        };
        if !is_ok {
            return Err(Self::of_error(reply));
        }
        if let Ok(errors) = reply.get_array("writeErrors") {
            let mut first = None;
            for error in errors {
                let failure = Self::of_error(error?.as_document().ok_or(WireError::Malformed)?);
                // A key that is there already may be no failure for who asked; anything else is.
                if !failure.is_code(DUPLICATE_KEY) {
                    return Err(failure);
                }
                first.get_or_insert(failure);
            }
            if let Some(failure) = first {
                return Err(failure);
            }
        }
        match reply.get_document("writeConcernError") {
            Ok(error) => Err(Self::of_error(error)),
            Err(_) => Ok(()),
        }
    }

    fn of_error(error: &RawDocument) -> Self {
        let code = error.get_i32("code").unwrap_or_default();
        let message = error.get_str("errmsg").unwrap_or("without a reason").to_owned();
        if code == AUTHENTICATION_FAILED { Self::Authentication(message) } else { Self::Command { code, message } }
    }

    /// Whether the server's code is this one.
    pub fn is_code(&self, wanted: i32) -> bool {
        matches!(self, Self::Command { code, .. } if *code == wanted)
    }

    /// Whether the collection that was asked of is not there yet.
    pub fn is_missing_collection(&self) -> bool {
        self.is_code(NAMESPACE_NOT_FOUND)
    }

    /// Whether the same command may go well on another connection. One that waited in vain may not: the next would wait as
    /// long, and the host's patience with a call is not much longer.
    pub fn may_be_retried(&self) -> bool {
        match self {
            Self::Lost(_) => !self.is_timed_out(),
            Self::Command { code, .. } => UNAVAILABLE.contains(code),
            _ => false,
        }
    }

    /// Whether nothing was heard for as long as the host waits.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Self::Lost(Broken::TimedOut) | Self::Unreachable(Broken::TimedOut))
    }

    fn code(&self) -> ErrorCode {
        match self {
            _ if self.is_timed_out() => ErrorCode::TimedOut,
            Self::Lost(_) | Self::Unreachable(_) | Self::Unusable(_) => ErrorCode::Unavailable,
            Self::Protocol(_) => ErrorCode::Failure,
            Self::Authentication(_) => ErrorCode::NotAuthenticated,
            Self::Corrupt(_) => ErrorCode::Corrupt,
            Self::Command { code, .. } => match *code {
                UNAUTHORIZED => ErrorCode::PermissionDenied,
                COMMAND_NOT_FOUND => ErrorCode::Unsupported,
                DUPLICATE_KEY => ErrorCode::Conflict,
                code if NO_SPACE.contains(&code) => ErrorCode::NoSpace,
                code if TIMED_OUT.contains(&code) => ErrorCode::TimedOut,
                code if UNAVAILABLE.contains(&code) => ErrorCode::Unavailable,
                _ => ErrorCode::Failure,
            },
        }
    }
}

impl From<Failure> for Error {
    /// The client is told the code alone; what the server says may name hosts, databases and users.
    fn from(failure: Failure) -> Self {
        Self::new(failure.code()).with_detail(failure)
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl From<BsonError> for Failure {
    fn from(error: BsonError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl From<ScramError> for Failure {
    fn from(error: ScramError) -> Self {
        Self::Authentication(error.to_string())
    }
}
