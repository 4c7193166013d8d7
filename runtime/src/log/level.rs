//! How much is logged, in OpenSSH's words.

use std::str::FromStr;
use thiserror::Error;
use tracing_subscriber::filter::LevelFilter;

/// OpenSSH's levels (`LogLevel` of sshd_config), less its synonyms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    Quiet,
    /// OpenSSH's FATAL and ERROR: what ends a session, and faults of guests.
    Error,
    /// Sessions, and each operation on a file.
    #[default]
    Info,
    /// OpenSSH's VERBOSE, DEBUG and DEBUG1.
    Debug,
    /// OpenSSH's DEBUG2 and DEBUG3: every call of the storage.
    Trace,
}

/// A word that is none of OpenSSH's levels.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a level; one of QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG1, DEBUG2, DEBUG3")]
pub struct UnknownLevel;

impl Level {
    pub(super) fn filter(self) -> LevelFilter {
        match self {
            Self::Quiet => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Info => LevelFilter::INFO,
            Self::Debug | Self::Trace => LevelFilter::DEBUG,
        }
    }

    pub(super) fn filter_of_calls(self) -> LevelFilter {
        if self == Self::Trace { LevelFilter::DEBUG } else { LevelFilter::OFF }
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text.to_ascii_uppercase().as_str() {
            "QUIET" => Ok(Self::Quiet),
            "FATAL" | "ERROR" => Ok(Self::Error),
            "INFO" => Ok(Self::Info),
            "VERBOSE" | "DEBUG" | "DEBUG1" => Ok(Self::Debug),
            "DEBUG2" | "DEBUG3" => Ok(Self::Trace),
            _ => Err(UnknownLevel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssh_levels_in_any_case() {
        assert_eq!("debug3".parse(), Ok(Level::Trace));
        assert_eq!("Verbose".parse(), Ok(Level::Debug));
        assert_eq!("FATAL".parse(), Ok(Level::Error));
        assert_eq!("quiet".parse(), Ok(Level::Quiet));
        assert_eq!("./INFO".parse::<Level>(), Err(UnknownLevel));
        assert_eq!("".parse::<Level>(), Err(UnknownLevel));
    }
}
