//! `strongroom check`: the contract tried on a guest, as a table.

use super::account::Account;
use super::granted::GrantArguments;
use super::guest_argument::guest;
use super::options::GuestOptions;
use super::report::{Failure, print, report};
use crate::check::{self, CheckError, Progress, Report, Row};
use crate::inspect::safe_json;
use crate::log::{self, Peer};
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::process::ExitCode;

const NAME: &str = "check";
const ABOUT: &str = "Try each promise of the contract on a component, with what is granted here";

#[derive(Debug, Args)]
#[command(
    override_usage = "strongroom check [OPTIONS] <GUEST.wasm|jail|memory|gridfs>",
    after_long_help = "Ends with 0 if no promise was broken, with 1 if one was, and with 2 if the command line is wrong or \
                       GUEST is no component of this contract."
)]
pub(super) struct Check {
    /// The component, or the name of one that is built in (a file of such a name is written ./jail)
    #[arg(value_name = "GUEST.wasm|jail|memory|gridfs")]
    guest: PathBuf,

    /// Work in the directory PATH of the storage, which must not exist; it is removed again
    ///
    /// In a new directory of the storage's home unless given. Nothing else in the storage is changed. A storage that
    /// cannot be changed is looked at.
    #[arg(long, value_name = "PATH", help_heading = "Check")]
    scratch: Option<String>,

    /// Print one JSON object instead of a table
    #[arg(long, help_heading = "Check")]
    json: bool,

    #[command(flatten)]
    granted: GrantArguments,

    #[command(flatten)]
    guest_options: GuestOptions,
}

/// The subcommand. Its arguments are built only for those who ask for it, as those of storages are.
#[derive(Debug)]
pub(super) struct CheckCommand(pub Box<Check>);

impl Check {
    pub(super) fn run(self, account: &Account, peer: Peer) -> ExitCode {
        let caller = super::Caller::Local;
        let log = match self.guest_options.log() {
            Ok(log) => log,
            Err(failure) => return report(&failure, &caller, None, None, &peer),
        };
        match log::start(&log, &peer).map_err(Failure::other).and_then(|()| self.checked(account, peer.clone())) {
            Ok(status) => status,
            Err(failure) => report(&failure, &caller, Some(&log), None, &peer),
        }
    }

    fn checked(self, account: &Account, peer: Peer) -> Result<ExitCode, Failure> {
        let launch = self.guest_options.launch(self.granted.choice(guest(self.guest))?, account, peer)?;
        let report = check::run(&launch, self.scratch.as_deref(), &mut Bar::new()).map_err(|error| match error {
            CheckError::Start(_) => Failure::other(error),
            _ => Failure::usage(error),
        })?;
        let printed = print(&text(&report, self.json));
        Ok(if report.is_pass() { printed } else { ExitCode::FAILURE })
    }
}

fn text(report: &Report, json: bool) -> Vec<u8> {
    if json {
        return safe_json(&report.to_json()).into_bytes();
    }
    let mut text = report.to_string();
    // What a guest says stands in it only where control characters were made visible.
    text.retain(|character| character == '\n' || !character.is_control());
    text.into_bytes()
}

/// A bar on standard error if that is a terminal, which has to be found out before the process is confined.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }
}

impl Progress for Bar {
    fn begin(&mut self, rows: usize) {
        self.0.set_length(rows as u64);
    }

    fn row(&mut self, row: &Row) {
        self.0.set_message(row.name);
        self.0.inc(1);
    }

    fn end(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Subcommand for CheckCommand {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        command.subcommand(clap::Command::new(NAME).about(ABOUT).defer(Check::augment_args))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        name == NAME
    }
}

impl FromArgMatches for CheckCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some((NAME, matches)) => FromArgMatches::from_arg_matches(matches).map(Self),
            _ => Err(clap::Error::new(ErrorKind::MissingSubcommand)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
