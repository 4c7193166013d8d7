//! One call and its answer, and what a row expects of it.

use super::words;
use crate::sandbox::Fault;
use crate::storage::{Error, ErrorCode};

/// Why a row ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The promise is broken.
    Fails(Finding),
    /// The storage does not have what the promise is about; with the reason.
    NotOffered(String),
    /// The instance is gone.
    Fault(Fault),
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub expected: String,
    pub found: String,
}

/// How a row ends: well, or not.
pub(super) type Tried<T = ()> = Result<T, Stop>;

/// What a storage answered to a call.
#[derive(Debug)]
pub(super) struct Attempt<T> {
    call: String,
    answer: Result<T, Error>,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Stop {
    pub fn fails(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Fails(Finding { expected: expected.into(), found: found.into() })
    }

    pub fn not_offered(reason: impl Into<String>) -> Self {
        Self::NotOffered(reason.into())
    }
}

impl<T> Attempt<T> {
    pub fn new(call: String, answer: Result<T, Error>) -> Self {
        Self { call, answer }
    }

    pub fn answer(self) -> Result<T, Error> {
        self.answer
    }

    /// The same where only success and failure count.
    pub fn without_answer(self) -> Attempt<()> {
        Attempt { call: self.call, answer: self.answer.map(drop) }
    }

    pub fn is_done(&self) -> bool {
        self.answer.is_ok()
    }

    /// It has to succeed.
    pub fn done(self) -> Tried<T> {
        self.answer.map_err(|error| Stop::fails("success", format!("{}: {}", self.call, words::error(&error))))
    }

    /// It has to succeed, unless the storage says that it cannot do this at all.
    pub fn done_if_offered(self, refusals: &[ErrorCode]) -> Tried<T> {
        match &self.answer {
            Err(error) if refusals.contains(&error.code) => {
                Err(Stop::NotOffered(format!("{}: {}", self.call, words::error(error))))
            }
            _ => self.done(),
        }
    }

    /// It has to fail with one of these codes.
    pub fn refused(self, codes: &[ErrorCode]) -> Tried {
        let found = match self.answer {
            Err(error) if codes.contains(&error.code) => return Ok(()),
            Err(error) => words::error(&error),
            Ok(_) => "success".to_owned(),
        };
        Err(Stop::fails(words::codes(codes), format!("{}: {found}", self.call)))
    }
}

/// Two values have to be the same.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Tried {
    if expected == found {
        return Ok(());
    }
    Err(Stop::fails(format!("{what}: {expected:?}"), format!("{found:?}")))
}

/// Bytes have to be the same; tells where they differ and not what they are.
pub(super) fn same_bytes(what: &str, expected: &[u8], found: &[u8]) -> Tried {
    if expected == found {
        return Ok(());
    }
    let place = expected.iter().zip(found).position(|(ours, theirs)| ours != theirs);
    let found = match place {
        Some(place) => format!("{} bytes, of which that at {place} is another", found.len()),
        None => format!("{} bytes", found.len()),
    };
    Err(Stop::fails(format!("{what}: the {} bytes that were written", expected.len()), found))
}

/// A condition has to hold.
pub(super) fn holds(condition: bool, expected: &str, found: impl FnOnce() -> String) -> Tried {
    if condition { Ok(()) } else { Err(Stop::fails(expected, found())) }
}
