//! The log: where lines go, from which level on, and how one looks.
//!
//! Whatever writes a line does so through `tracing`; this room only listens. Nothing is set up unless the operator
//! asked for a log, so that a session without one pays for a disabled level and no more.

mod facility;
mod file;
mod level;
mod line;
mod session;
mod syslog;

pub use facility::{Facility, UnknownFacility};
pub use file::LogFileError;
pub use level::{Level, UnknownLevel};
pub use session::{closed, opened};
pub use syslog::Syslog;

pub(crate) use line::OneLine;

use line::{LineFormat, Prefix};
use std::path::PathBuf;
use thiserror::Error;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// First parts of the targets that this project logs under. What libraries log is of no use to an operator and would
/// be written past our own checks.
/// The target of what only [`Level::Trace`] shows. Not a level of `tracing`: those below debug are left out of the
/// executable, where the many of the libraries would make each session's start longer.
const CALLS: &str = "calls";

const OWN_TARGETS: [&str; 3] = ["strongroom", "sftp", "guest"];

/// Where lines go. Every place that is named gets each of them; with none, nothing is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    pub level: Level,
    /// Appended to, created with permissions 0600, never opened through a symbolic link.
    pub file: Option<PathBuf>,
    /// Standard error, which sshd passes on to the client of a forced command.
    pub stderr: bool,
    /// The system's log, under this facility.
    pub facility: Option<Facility>,
}

impl LogOptions {
    /// Whether any line can come out anywhere.
    pub fn is_silent(&self) -> bool {
        self.level == Level::Quiet || (self.file.is_none() && !self.stderr && self.facility.is_none())
    }
}

/// Whom the lines of this process are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    pub user: String,
    /// The client's IP address; `None` without SSH.
    pub address: Option<String>,
}

/// The log that was asked for cannot be had.
#[derive(Debug, Error)]
pub enum LogError {
    #[error(transparent)]
    File(#[from] LogFileError),
    #[error("a log was already set up in this process")]
    SetTwice,
}

/// Sets up the log for the life of the process; every later line names `peer`.
///
/// The system's log may be away: what libc does for other servers, lines are then lost until it is back, because a
/// stopped log daemon must not lock users out. A log file that cannot be opened is an error.
pub fn start(options: &LogOptions, peer: &Peer) -> Result<(), LogError> {
    if options.is_silent() {
        return Ok(());
    }
    begin(places(options, peer)?, options.level)
}

/// The same with nothing but a system's log that is open, from `level` on.
pub fn start_with(syslog: Syslog, level: Level, peer: &Peer) -> Result<(), LogError> {
    begin(vec![place(LineFormat::new(Prefix::None, peer), syslog)], level)
}

fn begin(places: Vec<Place>, level: Level) -> Result<(), LogError> {
    let levels = Targets::new().with_targets(OWN_TARGETS.map(|target| (target, level.filter())));
    let levels = levels.with_target(CALLS, level.filter_of_calls());
    let subscriber = Registry::default().with(places).with(levels);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::SetTwice)
}

type Place = Box<dyn Layer<Registry> + Send + Sync>;

fn places(options: &LogOptions, peer: &Peer) -> Result<Vec<Place>, LogFileError> {
    let mut places: Vec<Place> = Vec::new();
    if let Some(path) = &options.file {
        let file = file::open(path)?;
        places.push(place(LineFormat::new(Prefix::TimeAndProcess, peer), file));
    }
    if options.stderr {
        places.push(place(LineFormat::new(Prefix::TimeAndProcess, peer), std::io::stderr));
    }
    if let Some(facility) = options.facility {
        places.push(place(LineFormat::new(Prefix::None, peer), syslog::Syslog::connect(facility)));
    }
    Ok(places)
}

fn place<W>(format: LineFormat, writer: W) -> Place
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    // A full disk must not turn into lines on standard error, which the client would be shown.
    tracing_subscriber::fmt::layer().event_format(format).with_writer(writer).log_internal_errors(false).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_is_silent() {
        assert!(LogOptions::default().is_silent());
        assert!(LogOptions { level: Level::Quiet, stderr: true, ..LogOptions::default() }.is_silent());
        assert!(!LogOptions { stderr: true, ..LogOptions::default() }.is_silent());
    }
}
