//! Who started this process, and whether it speaks SFTP.
//!
//! sshd starts a server in three ways, which its environment tells apart only in part (seen with OpenSSH 9.2):
//!
//! | what the client asked for       | `SSH_ORIGINAL_COMMAND`               | standard input |
//! |---------------------------------|--------------------------------------|----------------|
//! | sftp, forced command            | command of sshd's own Subsystem line | pipe           |
//! | another command, forced command | that command                         | pipe or tty    |
//! | a shell, forced command         | unset                                | tty, or pipe with `ssh -T` |
//! | sftp, as `Subsystem sftp`       | unset                                | pipe           |
//! | a command that names strongroom | unset                                | pipe or tty    |
//!
//! So a terminal is always a person, whom SFTP would hang. A pipe without a command is served: a client begins with
//! INIT at once, and whoever does not is told what this is by [`Caller::missed_init`] once the login time-out is over,
//! the input ends, or the first packet is something else.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use thiserror::Error;

/// File names of servers that an SFTP client may end up at by a Subsystem line.
const SERVERS: [&[u8]; 3] = [b"internal-sftp", b"sftp-server", b"strongroom"];

/// Where this process was started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// By a person or a program on this machine.
    Local,
    /// By sshd, for a client.
    Ssh {
        /// The client's IP address.
        address: Option<String>,
        /// Whether a person has a terminal there, and so started this process in a shell.
        has_terminal: bool,
    },
}

/// Why there will be no session, in words that a client may read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum NoSession {
    #[error("this account serves files by SFTP and gives no shell; connect with sftp or another SFTP client")]
    Shell,
    /// The same to a client, who may have asked for a shell without a terminal.
    #[error("{}", Self::Shell)]
    NoInit,
    #[error("this account serves files by SFTP and runs no other command; connect with sftp, or with scp without -O")]
    Command(OsString),
    #[error(
        "standard input is a terminal and would have to speak SFTP; start strongroom from a client, as in sftp -D \"strongroom jail DIR\""
    )]
    Terminal,
    #[error("no SFTP client spoke on standard input; start strongroom from one, as in sftp -D \"strongroom jail DIR\"")]
    Silence,
}

impl Caller {
    /// Reads what sshd says in the environment.
    pub(super) fn current() -> Self {
        Self::from_environment(std::env::var_os("SSH_CONNECTION"), std::env::var_os("SSH_TTY"))
    }

    fn from_environment(connection: Option<OsString>, terminal: Option<OsString>) -> Self {
        match connection {
            None => Self::Local,
            Some(connection) => {
                Self::Ssh { address: first_word(&connection).and_then(to_text), has_terminal: terminal.is_some() }
            }
        }
    }

    /// Whether a client, and not the operator, reads standard error.
    pub(super) fn is_client(&self) -> bool {
        matches!(self, Self::Ssh { has_terminal: false, .. })
    }

    pub(super) fn address(&self) -> Option<&str> {
        match self {
            Self::Local => None,
            Self::Ssh { address, .. } => address.as_deref(),
        }
    }

    /// Whether this can be an SFTP session at all.
    pub(super) fn admit(&self) -> Result<(), NoSession> {
        self.admit_request(std::env::var_os("SSH_ORIGINAL_COMMAND"), std::io::stdin().is_terminal())
    }

    fn admit_request(&self, command: Option<OsString>, is_terminal: bool) -> Result<(), NoSession> {
        match (self, command) {
            (Self::Ssh { .. }, Some(command)) if !names_server(&command) => Err(NoSession::Command(command)),
            (Self::Ssh { .. }, _) if is_terminal => Err(NoSession::Shell),
            (Self::Local, _) if is_terminal => Err(NoSession::Terminal),
            _ => Ok(()),
        }
    }

    /// What to say when the first packet was not INIT, or none came.
    pub(super) fn missed_init(&self) -> NoSession {
        match self {
            Self::Local => NoSession::Silence,
            Self::Ssh { .. } => NoSession::NoInit,
        }
    }
}

/// Whether a client that asked for `command` means SFTP.
pub(super) fn names_server(command: &OsStr) -> bool {
    let word = first_word(command).map(OsStr::as_bytes).unwrap_or_default();
    let word = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word);
    word.rsplit(|byte| *byte == b'/').next().is_some_and(|name| SERVERS.contains(&name))
}

fn first_word(text: &OsStr) -> Option<&OsStr> {
    text.as_bytes().split(u8::is_ascii_whitespace).find(|word| !word.is_empty()).map(OsStr::from_bytes)
}

fn to_text(word: &OsStr) -> Option<String> {
    word.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh() -> Caller {
        Caller::from_environment(Some("192.0.2.7 50000 192.0.2.1 22".into()), None)
    }

    fn admitted(command: Option<&str>, is_terminal: bool) -> Result<(), NoSession> {
        ssh().admit_request(command.map(OsString::from), is_terminal)
    }

    #[test]
    fn the_address_is_the_first_word() {
        assert_eq!(ssh().address(), Some("192.0.2.7"));
        assert_eq!(Caller::from_environment(Some("".into()), None).address(), None);
        assert_eq!(Caller::from_environment(None, None), Caller::Local);
    }

    #[test]
    fn who_has_a_login_shell_is_an_operator() {
        assert!(ssh().is_client());
        assert!(!Caller::Local.is_client());
        assert!(
            !Caller::from_environment(Some("192.0.2.7 1 192.0.2.1 22".into()), Some("/dev/pts/0".into())).is_client()
        );
    }

    #[test]
    fn clients_of_a_forced_command_are_served() {
        for command in [
            "internal-sftp",
            "/usr/lib/openssh/sftp-server",
            "/usr/lib/openssh/sftp-server -l INFO",
            "  internal-sftp -f AUTH",
            "/usr/local/bin/strongroom jail /srv",
            "\"/usr/libexec/sftp-server\" -e",
        ] {
            assert_eq!(admitted(Some(command), false), Ok(()), "{command}");
        }
    }

    #[test]
    fn other_commands_are_not() {
        for command in
            ["", " ", "ls -l", "scp -t /tmp", "rsync --server", "sftp-server-evil", "/sftp-server/sh", "sh sftp-server"]
        {
            assert_eq!(admitted(Some(command), false), Err(NoSession::Command(command.into())), "{command}");
        }
    }

    #[test]
    fn a_subsystem_has_neither_command_nor_terminal() {
        assert_eq!(admitted(None, false), Ok(()));
        assert_eq!(ssh().missed_init(), NoSession::NoInit);
        assert_eq!(NoSession::NoInit.to_string(), NoSession::Shell.to_string());
    }

    #[test]
    fn a_terminal_is_a_person() {
        assert_eq!(admitted(None, true), Err(NoSession::Shell));
        assert_eq!(admitted(Some("internal-sftp"), true), Err(NoSession::Shell));
        assert_eq!(Caller::Local.admit_request(None, true), Err(NoSession::Terminal));
    }

    #[test]
    fn without_ssh_no_command_counts() {
        assert_eq!(Caller::Local.admit_request(Some("ls".into()), false), Ok(()));
        assert_eq!(Caller::Local.missed_init(), NoSession::Silence);
    }
}
