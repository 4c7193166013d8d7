//! The options of every storage, and what they make of a session together with the subcommand's own.

use super::account::Account;
use super::confinement::ConfinementArguments;
use super::limits::LimitArguments;
use super::log_options::LogArguments;
use super::pair::pair;
use super::report::Failure;
use super::start_directory::start_directory;
use super::units::umask;
use super::unsafe_grant::{self, Protected, ProtectedKind};
use crate::log::{LogOptions, Peer};
use crate::sandbox::{DirectoryGrant, Grants, NetworkGrants, OpenDirectory, Source};
use crate::serve::Launch;
use crate::sftp::RequestPolicy;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Args)]
pub(super) struct CommonOptions {
    /// What follows `--`. Clients append words to a server's command that OpenSSH's ignores: `scp -D` starts it with
    /// `-- HOST sftp`, as if it were ssh.
    #[arg(last = true, hide = true)]
    after_dashes: Vec<OsString>,

    /// Take these permission bits from new files and directories
    #[arg(short, long, value_name = "OCTAL", value_parser = umask, help_heading = "Session")]
    umask: Option<u16>,

    /// Start in PATH of the storage; %u is the user, %d the name of the home directory, %% is %
    #[arg(short = 'd', long, value_name = "PATH", help_heading = "Session")]
    start_directory: Option<OsString>,

    /// Refuse whatever would change the storage
    #[arg(short = 'R', long, help_heading = "Session")]
    pub read_only: bool,

    /// Serve these requests only, named as -Q requests names them, with commas between
    #[arg(short = 'p', long = "allow-requests", value_name = "LIST", help_heading = "Session")]
    allowed_requests: Option<String>,

    /// Refuse these requests, even if -p allows them
    #[arg(short = 'P', long = "deny-requests", value_name = "LIST", help_heading = "Session")]
    denied_requests: Option<String>,

    /// List the names for -p and -P, and end
    #[arg(short = 'Q', id = "query", long = "query", value_name = "requests", value_parser = ["requests"], help_heading = "Session")]
    query: Option<String>,

    /// Accept changes of attributes that the storage does not keep, and forget them
    ///
    /// WinSCP sets times and permissions after each upload and shows an error if that is refused.
    #[arg(long, help_heading = "Session")]
    ignore_unsupported_attributes: bool,

    /// Show owners by name instead of by number
    ///
    /// Discloses the host's users and groups: whoever has a session can ask for the name of each number. Names are
    /// those in passwd and group, which are read at the start, and the running user's own.
    #[arg(long, help_heading = "Session")]
    show_names: bool,

    #[command(flatten)]
    guest: GuestOptions,
}

// Flattened into commands, whose own descriptions a doc comment would replace.
//
// The options of whatever runs a guest, be it for a session or not.
#[derive(Debug, Args)]
pub(super) struct GuestOptions {
    /// Hand the guest a setting; KEY=@FILE reads the value from a file
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair, help_heading = "Guest")]
    settings: Vec<(String, String)>,

    /// Keep compiled guests in DIR instead of ~/.cache/strongroom
    #[arg(long, value_name = "DIR", help_heading = "Guest")]
    cache_dir: Option<PathBuf>,

    #[command(flatten)]
    confinement: ConfinementArguments,

    #[command(flatten)]
    log: LogArguments,

    #[command(flatten)]
    limits: LimitArguments,
}

// What a guest with directories may do to them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Directories")]
pub(super) struct DirectoryOptions {
    /// Let clients give files to other owners, as far as the running user may
    #[arg(long)]
    allow_chown: bool,

    /// Let clients set the bits setuid and setgid
    #[arg(long)]
    allow_setid: bool,

    /// Grant directories that contain the user's .ssh, the cache, the log or the guest itself
    ///
    /// A client that can change these can change what binds it, so such a grant is refused otherwise.
    #[arg(long)]
    allow_unsafe_grant: bool,
}

/// A setting that is the subcommand's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("--set {key}: strongroom {subcommand} sets this by its own arguments; leave it out")]
pub(super) struct OwnSetting {
    key: &'static str,
    subcommand: &'static str,
}

/// What a subcommand decides.
pub(super) struct GuestChoice<'a> {
    pub guest: Source,
    pub directories: Vec<DirectoryGrant>,
    pub directory_options: Option<&'a DirectoryOptions>,
    pub network: NetworkGrants,
    pub environment: Vec<(String, String)>,
}

impl CommonOptions {
    /// The operand of the subcommand if it was written behind `--`.
    pub(super) fn operand_after_dashes(&self) -> Option<PathBuf> {
        self.operands_after_dashes().first().map(PathBuf::from)
    }

    /// What was written behind `--`, which a client may have added words to.
    pub(super) fn operands_after_dashes(&self) -> &[OsString] {
        &self.after_dashes
    }

    /// The same with what the subcommand sets by itself, which `--set` cannot say otherwise.
    pub(super) fn with_own_settings(
        mut self,
        subcommand: &'static str,
        own: Vec<(&'static str, String)>,
    ) -> Result<Self, OwnSetting> {
        if let Some((key, _)) = own.iter().find(|(own, _)| self.guest.settings.iter().any(|(key, _)| key == own)) {
            return Err(OwnSetting { key, subcommand });
        }
        self.guest.settings.splice(..0, own.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Ok(self)
    }

    /// `-Q requests` asks for a list, not for a session.
    pub(super) fn is_query(&self) -> bool {
        self.query.is_some()
    }

    pub(super) fn log(&self) -> Result<LogOptions, Failure> {
        self.guest.log()
    }

    /// The session that these options describe. Unsafe grants are refused, or allowed with a line in the log.
    pub(super) fn launch(self, choice: GuestChoice<'_>, account: &Account, peer: Peer) -> Result<Launch, Failure> {
        let requests = RequestPolicy::parse(self.allowed_requests.as_deref(), self.denied_requests.as_deref())
            .map_err(Failure::usage)?;
        let start_directory = match &self.start_directory {
            Some(template) => Some(start_directory(template, account).map_err(Failure::usage)?),
            None => None,
        };
        Ok(Launch {
            read_only: self.read_only,
            umask: self.umask,
            start_directory,
            requests,
            ignore_unsupported_attributes: self.ignore_unsupported_attributes,
            show_names: self.show_names,
            ..self.guest.launch(choice, account, peer)?
        })
    }
}

impl GuestOptions {
    pub(super) fn log(&self) -> Result<LogOptions, Failure> {
        self.log.options().map_err(Failure::usage)
    }

    /// The guest as these options describe it, for a session that nothing is said of. Unsafe grants are refused, or allowed
    /// with a line in the log.
    pub(super) fn launch(self, choice: GuestChoice<'_>, account: &Account, peer: Peer) -> Result<Launch, Failure> {
        let log = self.log()?;
        let policy = choice.directory_options;
        let grants = Grants {
            directories: choice.directories,
            network: choice.network,
            environment: choice.environment,
            settings: self.settings.clone(),
            allow_chown: policy.is_some_and(|policy| policy.allow_chown),
            allow_setid: policy.is_some_and(|policy| policy.allow_setid),
        };
        let grants = grants.open().map_err(Failure::usage)?;
        self.check_grants(&choice.guest, &grants.directories, policy, account)?;
        Ok(Launch {
            guest: choice.guest,
            grants,
            read_only: false,
            umask: None,
            start_directory: None,
            requests: RequestPolicy::parse(None, None).map_err(Failure::usage)?,
            ignore_unsupported_attributes: false,
            show_names: false,
            cache_dir: self.cache_dir.or_else(|| default_cache_dir(account)),
            limits: self.limits.limits(),
            confinement: self.confinement.policy(),
            system_log: log.facility.is_some(),
            peer,
        })
    }

    fn check_grants(
        &self,
        guest: &Source,
        grants: &[OpenDirectory],
        policy: Option<&DirectoryOptions>,
        account: &Account,
    ) -> Result<(), Failure> {
        if let Source::Precompiled(code) = guest {
            unsafe_grant::check_code(grants, code).map_err(Failure::usage)?;
        }
        let found = unsafe_grant::find(grants, || self.protected(guest, account));
        if !policy.is_some_and(|options| options.allow_unsafe_grant) {
            return found.into_iter().next().map_or(Ok(()), |refused| Err(Failure::usage(refused)));
        }
        for allowed in found {
            tracing::warn!("{}", allowed.warning());
        }
        Ok(())
    }

    fn protected(&self, guest: &Source, account: &Account) -> Vec<Protected> {
        let keys = account.homes().map(|home| Protected { kind: ProtectedKind::SshKeys, path: home.join(".ssh") });
        let cache = match &self.cache_dir {
            Some(path) => Some(Protected { kind: ProtectedKind::ChosenCache, path: path.clone() }),
            None => default_cache_dir(account).map(|path| Protected { kind: ProtectedKind::DefaultCache, path }),
        };
        let log = self.log.file().map(|path| Protected { kind: ProtectedKind::Log, path: path.to_owned() });
        let guest = match guest {
            Source::File(path) => Some(Protected { kind: ProtectedKind::Guest, path: path.clone() }),
            Source::Precompiled(_) | Source::Embedded(_) => None,
        };
        keys.chain(cache).chain(log).chain(guest).collect()
    }
}

/// `strongroom` in `XDG_CACHE_HOME`, which counts only if it is absolute (XDG Base Directory Specification), or in
/// `.cache` of the home directory.
fn default_cache_dir(account: &Account) -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| account.home().map(|home| home.join(".cache")))?;
    Some(base.join("strongroom"))
}
