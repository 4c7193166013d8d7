//! `strongroom jail`: one directory of the host, and nothing else.

use super::account::Account;
use super::options::{CommonOptions, DirectoryOptions, GuestChoice};
use super::report::Failure;
use crate::log::Peer;
use crate::sandbox::{Access, DirectoryGrant, Embedded, NetworkGrants, Source};
use crate::serve::Launch;
use crate::storage::StoragePath;
use clap::Args;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Args)]
#[command(override_usage = "strongroom jail [OPTIONS] <DIR>")]
pub(super) struct Jail {
    /// The directory that the session can reach, as its "/"
    #[arg(value_name = "DIR", required_unless_present_any = ["query", "after_dashes"])]
    directory: Option<PathBuf>,

    #[command(flatten)]
    directories: DirectoryOptions,

    #[command(flatten)]
    pub common: CommonOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no directory is named; strongroom jail DIR")]
struct NoDirectory;

impl Jail {
    pub(super) fn launch(self, account: &Account, peer: Peer) -> Result<Launch, Failure> {
        let host =
            self.directory.or_else(|| self.common.operand_after_dashes()).ok_or_else(|| Failure::usage(NoDirectory))?;
        let access = if self.common.read_only { Access::ReadOnly } else { Access::ReadWrite };
        let choice = GuestChoice {
            guest: Source::Embedded(Embedded::Jail),
            directories: vec![DirectoryGrant { host, guest: StoragePath::root().into_string(), access }],
            directory_options: Some(&self.directories),
            network: NetworkGrants::default(),
            environment: Vec::new(),
        };
        self.common.launch(choice, account, peer)
    }
}
