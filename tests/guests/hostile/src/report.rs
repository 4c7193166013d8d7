//! What came of each try, a line each: what was tried, and the answer.

use crate::wasi3;
use std::fmt::Display;
use wasip2::filesystem::types::ErrorCode;

#[derive(Default)]
pub(crate) struct Report(String);

impl Report {
    /// `ok`, or WASI's name of the error.
    pub(crate) fn tried<T>(&mut self, what: impl Display, answer: Result<T, ErrorCode>) -> Option<T> {
        match answer {
            Ok(value) => {
                self.line(what, "ok");
                Some(value)
            }
            Err(code) => {
                self.line(what, code.name());
                None
            }
        }
    }

    /// The same of WASI 0.3.
    pub(crate) fn tried3<T>(&mut self, what: impl Display, answer: Result<T, wasi3::ErrorCode>) {
        match answer {
            Ok(_) => self.line(what, "ok"),
            Err(code) => self.line(what, format_args!("{code:?}")),
        }
    }

    pub(crate) fn line(&mut self, what: impl Display, answer: impl Display) {
        self.0.push_str(&format!("{what}: {answer}\n"));
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}
