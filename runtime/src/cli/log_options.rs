//! `-l`, `--log-level`, `-e` and `-f`: pysftpjail's log file and OpenSSH's level share a letter.

use crate::log::{Facility, Level, LogOptions};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Log")]
pub(super) struct LogArguments {
    /// Append the log to FILE; a LEVEL is taken as --log-level
    ///
    /// FILE is created for its owner only and is not followed if it is a symbolic link. A value that is one of
    /// OpenSSH's levels in any case is taken as --log-level, so that OpenSSH's options work as they are; a file of
    /// such a name is written ./INFO.
    #[arg(
        short = 'l',
        long = "logfile",
        value_name = "FILE|LEVEL",
        value_parser = OsStringValueParser::new().map(LogTarget::from)
    )]
    targets: Vec<LogTarget>,

    /// Log from LEVEL on: QUIET, ERROR, INFO (unless set), VERBOSE, DEBUG3
    ///
    /// OpenSSH's levels: QUIET, FATAL and ERROR, INFO, VERBOSE as DEBUG and DEBUG1, DEBUG2 as DEBUG3. INFO is meant
    /// if a place is named and no level. If a level is named and no place, the place is the system's log under AUTH,
    /// as with OpenSSH.
    #[arg(long, value_name = "LEVEL", value_parser = Level::from_str)]
    log_level: Option<Level>,

    /// Log to standard error, which sshd passes on to clients
    #[arg(short = 'e', long = "log-stderr")]
    log_stderr: bool,

    /// Log to the system's log: DAEMON, USER, AUTH, AUTHPRIV, LOCAL0 to LOCAL7
    #[arg(short = 'f', long, value_name = "NAME", value_parser = Facility::from_str)]
    log_facility: Option<Facility>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum LogTarget {
    Level(Level),
    File(PathBuf),
}

/// Options of the log that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum LogOptionsError {
    #[error("two log files are named; name one (a level is written as OpenSSH's, as INFO)")]
    TwoFiles,
    #[error("two log levels are named; name one (a log file whose name is a level is written ./INFO)")]
    TwoLevels,
}

impl From<OsString> for LogTarget {
    fn from(text: OsString) -> Self {
        let level = text.to_str().and_then(|text| text.parse().ok());
        level.map_or_else(|| Self::File(PathBuf::from(text)), Self::Level)
    }
}

impl LogTarget {
    fn level(&self) -> Option<Level> {
        match self {
            Self::Level(level) => Some(*level),
            Self::File(_) => None,
        }
    }

    fn file(&self) -> Option<&Path> {
        match self {
            Self::Level(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

impl LogArguments {
    /// The log file, if one is named.
    pub(super) fn file(&self) -> Option<&Path> {
        self.targets.iter().find_map(LogTarget::file)
    }

    pub(super) fn options(&self) -> Result<LogOptions, LogOptionsError> {
        let levels = self.targets.iter().filter_map(LogTarget::level).chain(self.log_level);
        let level = at_most_one(levels).ok_or(LogOptionsError::TwoLevels)?;
        let file = at_most_one(self.targets.iter().filter_map(LogTarget::file)).ok_or(LogOptionsError::TwoFiles)?;
        let has_place = file.is_some() || self.log_stderr || self.log_facility.is_some();
        let implied_facility = (level.is_some() && !has_place).then_some(Facility::AUTH);
        Ok(LogOptions {
            level: level.unwrap_or_default(),
            file: file.map(PathBuf::from),
            stderr: self.log_stderr,
            facility: self.log_facility.or(implied_facility),
        })
    }
}

/// The one item, if there is any; `None` if there are two.
fn at_most_one<T>(mut items: impl Iterator<Item = T>) -> Option<Option<T>> {
    let first = items.next();
    items.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        log: LogArguments,
    }

    fn options(arguments: &[&str]) -> Result<LogOptions, LogOptionsError> {
        Command::try_parse_from(std::iter::once("strongroom").chain(arguments.iter().copied())).unwrap().log.options()
    }

    #[test]
    fn nothing_asked_for_logs_nowhere() {
        assert!(options(&[]).unwrap().is_silent());
    }

    #[test]
    fn openssh_spellings() {
        let debug = LogOptions { level: Level::Trace, stderr: true, ..LogOptions::default() };
        assert_eq!(options(&["-el", "debug3"]), Ok(debug));
        let facility = "AUTHPRIV".parse().ok();
        assert_eq!(options(&["-f", "AUTHPRIV", "-l", "INFO"]), Ok(LogOptions { facility, ..LogOptions::default() }));
        let implied = LogOptions { level: Level::Debug, facility: Some(Facility::AUTH), ..LogOptions::default() };
        assert_eq!(options(&["-l", "VERBOSE"]), Ok(implied));
    }

    #[test]
    fn pysftpjail_spellings() {
        let file = Some(PathBuf::from("/var/log/sftp"));
        assert_eq!(options(&["-l", "/var/log/sftp"]), Ok(LogOptions { file: file.clone(), ..LogOptions::default() }));
        assert_eq!(
            options(&["--logfile=/var/log/sftp", "--log-level", "error"]),
            Ok(LogOptions { file: file.clone(), level: Level::Error, ..LogOptions::default() })
        );
        assert_eq!(options(&["-l", "/var/log/sftp", "-l", "error"]).unwrap().file, file);
        assert_eq!(options(&["-l", "./INFO"]).unwrap().file, Some(PathBuf::from("./INFO")));
    }

    #[test]
    fn contradictions_are_refused() {
        assert_eq!(options(&["-l", "a", "-l", "b"]), Err(LogOptionsError::TwoFiles));
        assert_eq!(options(&["-l", "INFO", "--log-level", "ERROR"]), Err(LogOptionsError::TwoLevels));
    }
}
