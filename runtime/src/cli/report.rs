//! How a start that fails is told: a text for whoever runs the server, another for a client, and the exit status.

use super::forced_command::{Caller, NoSession};
use crate::log::{self, Facility, Level, LogOptions, OneLine, Peer, Syslog};
use crate::vis::Vis;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// Told to a client in place of reasons, which may name the host's files.
const FOR_CLIENTS: &str = "this account cannot be served; whoever runs the server finds the reason in its log";

/// Why the process ends without having served.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line is wrong, or a grant is refused.
    Usage(anyhow::Error),
    /// The client is none of SFTP's.
    NoSession(NoSession),
    Other(anyhow::Error),
}

impl Failure {
    pub(super) fn usage(reason: impl Into<anyhow::Error>) -> Self {
        Self::Usage(reason.into())
    }

    pub(super) fn other(reason: impl Into<anyhow::Error>) -> Self {
        Self::Other(reason.into())
    }

    fn status(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::NoSession(_) | Self::Other(_) => ExitCode::FAILURE,
        }
    }

    fn for_operators(&self) -> String {
        match self {
            Self::Usage(reason) | Self::Other(reason) => reason.to_string(),
            Self::NoSession(reason) => for_log(reason),
        }
    }

    fn for_clients(&self) -> String {
        match self {
            Self::Usage(_) | Self::Other(_) => FOR_CLIENTS.to_owned(),
            Self::NoSession(reason) => reason.to_string(),
        }
    }
}

impl From<NoSession> for Failure {
    fn from(reason: NoSession) -> Self {
        Self::NoSession(reason)
    }
}

fn for_log(reason: &NoSession) -> String {
    match reason {
        NoSession::Shell => "refused a shell".to_owned(),
        NoSession::NoInit => "the client did not begin with INIT".to_owned(),
        NoSession::Command(command) => format!("refused command \"{}\"", Vis(command.as_bytes())),
        NoSession::Terminal | NoSession::Silence => reason.to_string(),
    }
}

/// The system's log, for a failure in front of a client that there is no other log for: sshd throws away what a
/// subsystem writes to standard error. `log` is `None` where the command line did not tell.
pub(super) fn log_of_last_resort(caller: &Caller, log: Option<&LogOptions>) -> Option<Syslog> {
    let is_wanted = log.is_none_or(|log| log.level != Level::Quiet);
    (caller.is_client() && is_wanted).then(|| Syslog::connect(Facility::AUTH))
}

/// Tells of `failure` on standard error and in the log. If there is none, in that of last resort, which a process that
/// is confined by now has opened before.
pub(super) fn report(
    failure: &Failure,
    caller: &Caller,
    log: Option<&LogOptions>,
    last_resort: Option<Syslog>,
    peer: &Peer,
) -> ExitCode {
    let for_operators = failure.for_operators();
    let has_log = tracing::enabled!(tracing::Level::ERROR);
    let is_shown = has_log && log.is_some_and(|log| log.stderr);
    if !has_log && let Some(syslog) = last_resort.or_else(|| log_of_last_resort(caller, log)) {
        // There is nobody left to tell if this log fails too.
        let _ = log::start_with(syslog, Level::Error, peer);
    }
    tracing::error!("{for_operators}");
    let is_about_client = matches!(failure, Failure::NoSession(_));
    if !is_shown || is_about_client {
        let for_clients = caller.is_client() || is_about_client;
        let shown = if for_clients { failure.for_clients() } else { for_operators };
        print_error(&format!("strongroom: {}\n", OneLine(&shown)));
    }
    failure.status()
}

/// For commands that answer whoever typed them: the text, or the failure in one line on standard error.
pub(super) fn answer(text: Result<String, Failure>) -> ExitCode {
    match text {
        Ok(text) => print(text.as_bytes()),
        Err(failure) => {
            print_error(&format!("strongroom: {}\n", OneLine(&failure.for_operators())));
            failure.status()
        }
    }
}

/// A wrong command line in clap's own words, which may take several lines; help and version are no failure.
pub(super) fn report_usage(error: &clap::Error, caller: &Caller, peer: &Peer) -> ExitCode {
    if !error.use_stderr() {
        return print(error.to_string().as_bytes());
    }
    if caller.is_client() {
        let words = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        return report(&Failure::usage(anyhow::Error::msg(words)), caller, None, None, peer);
    }
    print_error(&error.to_string());
    ExitCode::from(2)
}

/// Writes to standard output what was asked for in place of a session.
pub(super) fn print(text: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // As from `strongroom man | head`: whoever stopped reading needs no message.
        Err(_) => ExitCode::FAILURE,
    }
}

pub(super) fn print_error(text: &str) {
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_no_path() {
        let failure = Failure::other(anyhow::anyhow!("/srv/alice: there is no such directory"));
        assert_eq!(failure.for_clients(), FOR_CLIENTS);
        assert_eq!(failure.for_operators(), "/srv/alice: there is no such directory");
        assert_eq!(failure.status(), ExitCode::FAILURE);
    }

    #[test]
    fn a_wrong_command_line_is_2() {
        assert_eq!(Failure::usage(anyhow::anyhow!("wrong")).status(), ExitCode::from(2));
    }

    #[test]
    fn who_wants_a_shell_is_told_what_this_is() {
        let failure = Failure::from(NoSession::Shell);
        assert_eq!(failure.for_clients(), NoSession::Shell.to_string());
        assert_eq!(failure.status(), ExitCode::FAILURE);
    }

    #[test]
    fn the_log_names_a_refused_command_and_its_client_is_not_shown_it() {
        let failure = Failure::from(NoSession::Command("rm\n-rf".into()));
        assert_eq!(failure.for_operators(), "refused command \"rm\\012-rf\"");
        assert!(!failure.for_clients().contains("rm"));
    }
}
