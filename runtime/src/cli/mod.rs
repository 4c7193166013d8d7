//! The command line: one file a subcommand, and what turns their arguments into a session's [`Launch`].
//!
//! Nothing is decided here that the rooms below could decide; what is refused here is refused before a client's first
//! byte is read.

mod account;
mod check;
mod compile;
mod confinement;
mod directory;
mod forced_command;
mod granted;
mod gridfs;
mod guest_argument;
mod inspect;
mod jail;
mod limits;
#[cfg(test)]
mod limits_documented;
mod log_options;
mod manual;
mod memory;
mod mongodb_address;
mod network;
mod new;
mod options;
mod pair;
mod report;
mod run;
mod start_directory;
#[cfg(feature = "testing")]
pub mod testing;
mod units;
mod unsafe_grant;

use crate::log::{self, LogOptions, Peer};
use crate::sandbox::{CONTRACT_VERSION, CompileJob, ENGINE_VERSION, ResolveJob, run_compiler, run_resolver};
use crate::serve::{self, Launch, Outcome};
use crate::sftp::RequestPolicy;
use account::Account;
use check::CheckCommand;
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use compile::Compile;
use forced_command::Caller;
use gridfs::Gridfs;
use inspect::Inspect;
use jail::Jail;
use memory::Memory;
use new::New;
use options::CommonOptions;
use report::{Failure, answer, log_of_last_resort, print, report, report_usage};
use run::Run;
use std::process::ExitCode;
use std::sync::LazyLock;

static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{}\ncontract {CONTRACT_VERSION}\nengine {ENGINE_VERSION}", env!("CARGO_PKG_VERSION")));

/// SFTP on standard input and output, with storage that is a sandboxed WebAssembly component
///
/// Meant to be started by sshd for one session: as the command of a key in authorized_keys, as ForceCommand or as
/// Subsystem. Or by a client on this machine, as in: sftp -D "strongroom jail DIR"
#[derive(Debug, Parser)]
#[command(name = "strongroom", version = VERSION.as_str(), arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Storage(Storage),
    /// Tell what a component can ask for and what it says it wants, without running it
    Inspect(Inspect),
    /// Compile a guest ahead of time, for machines where its first start must be instant
    ///
    /// The code is for this version of strongroom and for this machine's CPU. It is loaded by `strongroom run
    /// --precompiled`, which trusts it as it trusts strongroom itself: keep it where nobody but you and root can write, and
    /// where nothing is served from.
    Compile(Compile),
    #[command(flatten)]
    Check(CheckCommand),
    /// Begin a storage: a folder with one that works, its tests, and all that builds it
    New(New),
    /// Print the manual page, as for man -l -
    Man,
    /// Print the completions for a shell
    Completions { shell: Shell },
}

/// What a session serves; the commands are those of [`STORAGES`].
#[derive(Debug)]
enum Storage {
    Jail(Box<Jail>),
    Memory(Box<Memory>),
    Gridfs(Box<Gridfs>),
    Run(Box<Run>),
}

/// The name of a command, what it is about, and what adds its arguments.
type StorageCommand = (&'static str, &'static str, fn(clap::Command) -> clap::Command);

const STORAGES: [StorageCommand; 4] = [
    ("jail", "Serve the directory DIR, which is all that the session can reach", Jail::augment_args),
    ("memory", "Serve files that live as long as the session", Memory::augment_args),
    (
        "gridfs",
        "Serve the files of a MongoDB database, which is all of the network that the session can reach",
        Gridfs::augment_args,
    ),
    ("run", "Serve a component that exports the storage contract, with what is granted here", Run::augment_args),
];

/// Runs the command that this process was started as.
pub fn main() -> ExitCode {
    if let Some(job) = CompileJob::from_arguments(std::env::args_os().skip(1)) {
        return run_compiler(&job);
    }
    if let Some(job) = ResolveJob::from_arguments(std::env::args_os().skip(1)) {
        return run_resolver(&job);
    }
    std::panic::set_hook(Box::new(|panic| tracing::error!("the host panicked: {panic}")));
    let caller = Caller::current();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if is_for_whoever_types() => return report_usage(&error, &Caller::Local, &Peer::default()),
        Err(error) => return report_usage(&error, &caller, &peer(&Account::current(), &caller)),
    };
    match cli.command {
        Command::Storage(storage) => start(storage, &caller),
        Command::Inspect(inspect) => answer(inspect.text()),
        Command::Compile(compile) => answer(compile.run()),
        Command::Check(CheckCommand(check)) => {
            let account = Account::current();
            let peer = peer(&account, &caller);
            check.run(&account, peer)
        }
        Command::New(new) => answer(new.run()),
        Command::Man => print_manual(),
        Command::Completions { shell } => print_completions(shell),
    }
}

/// Not derived, because the arguments of all storages take as long to build as a tenth of a session's start: here only
/// those of the one that is asked for are.
impl Subcommand for Storage {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        command.subcommands(
            STORAGES.map(|(name, about, arguments)| clap::Command::new(name).about(about).defer(arguments)),
        )
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        STORAGES.iter().any(|(storage, ..)| *storage == name)
    }
}

impl FromArgMatches for Storage {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some(("jail", matches)) => FromArgMatches::from_arg_matches(matches).map(Self::Jail),
            Some(("memory", matches)) => FromArgMatches::from_arg_matches(matches).map(Self::Memory),
            Some(("gridfs", matches)) => FromArgMatches::from_arg_matches(matches).map(Self::Gridfs),
            Some(("run", matches)) => FromArgMatches::from_arg_matches(matches).map(Self::Run),
            _ => Err(clap::Error::new(ErrorKind::MissingSubcommand)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Storage {
    fn options(&self) -> &CommonOptions {
        match self {
            Self::Jail(jail) => &jail.common,
            Self::Memory(memory) => &memory.common,
            Self::Gridfs(gridfs) => &gridfs.common,
            Self::Run(run) => &run.common,
        }
    }

    fn launch(self, account: &Account, peer: Peer) -> Result<Launch, Failure> {
        match self {
            Self::Jail(jail) => jail.launch(account, peer),
            Self::Memory(memory) => memory.launch(account, peer),
            Self::Gridfs(gridfs) => gridfs.launch(account, peer),
            Self::Run(run) => run.launch(account, peer),
        }
    }
}

fn start(storage: Storage, caller: &Caller) -> ExitCode {
    if storage.options().is_query() {
        return print_requests();
    }
    let account = Account::current();
    let peer = peer(&account, caller);
    let log = match storage.options().log() {
        Ok(log) => log,
        Err(failure) => return report(&failure, caller, None, None, &peer),
    };
    let last_resort = if log.is_silent() { log_of_last_resort(caller, Some(&log)) } else { None };
    match serve(storage, caller, &account, &peer, &log, last_resort.is_some()) {
        Ok(status) => status,
        Err(failure) => report(&failure, caller, Some(&log), last_resort, &peer),
    }
}

fn serve(
    storage: Storage,
    caller: &Caller,
    account: &Account,
    peer: &Peer,
    log: &LogOptions,
    has_last_resort: bool,
) -> Result<ExitCode, Failure> {
    let admitted = caller.admit();
    let logged = log::start(log, peer);
    // First what a client may read: a log that cannot be opened has a path of the host's.
    admitted?;
    logged.map_err(Failure::other)?;
    let mut launch = storage.launch(account, peer.clone())?;
    launch.system_log |= has_last_resort;
    match serve::run(&launch) {
        Ok(Outcome::Served) => Ok(ExitCode::SUCCESS),
        Ok(Outcome::Broken) => Ok(ExitCode::FAILURE),
        Ok(Outcome::NoInit) => Err(Failure::from(caller.missed_init())),
        Err(error) => Err(Failure::other(error)),
    }
}

/// Whether the command that was named serves nobody, so that its errors are for whoever typed it, over SSH as well.
fn is_for_whoever_types() -> bool {
    let command = std::env::args_os().nth(1);
    let is_served = |name: &str| Storage::has_subcommand(name) || !Command::has_subcommand(name);
    command.is_some_and(|name| !is_served(&name.to_string_lossy()))
}

fn peer(account: &Account, caller: &Caller) -> Peer {
    Peer { user: account.name(), address: caller.address().map(str::to_owned) }
}

fn print_requests() -> ExitCode {
    let mut names = RequestPolicy::names().collect::<Vec<_>>().join("\n");
    names.push('\n');
    print(names.as_bytes())
}

fn print_manual() -> ExitCode {
    let mut page = Vec::new();
    match manual::write(Cli::command(), env!("CARGO_PKG_VERSION"), &mut page) {
        Ok(()) => print(&page),
        Err(_) => ExitCode::FAILURE,
    }
}

fn print_completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "strongroom", &mut script);
    print(&script)
}

#[cfg(test)]
mod tests;
