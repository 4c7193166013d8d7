//! `strongroom run`: any component that exports the storage contract, with what is granted here and nothing else.

use super::account::Account;
use super::granted::GrantArguments;
use super::options::CommonOptions;
use super::report::Failure;
use crate::log::Peer;
use crate::sandbox::Source;
use crate::serve::Launch;
use clap::Args;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Args)]
#[command(override_usage = "strongroom run [OPTIONS] <GUEST.wasm>")]
pub(super) struct Run {
    /// The component
    #[arg(value_name = "GUEST.wasm", required_unless_present_any = ["query", "after_dashes"])]
    guest: Option<PathBuf>,

    #[command(flatten)]
    granted: GrantArguments,

    #[command(flatten)]
    pub common: CommonOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no component is named; strongroom run GUEST.wasm")]
struct NoGuest;

impl Run {
    pub(super) fn launch(self, account: &Account, peer: Peer) -> Result<Launch, Failure> {
        let guest = self.guest.or_else(|| self.common.operand_after_dashes()).ok_or_else(|| Failure::usage(NoGuest))?;
        let choice = self.granted.choice(Source::File(guest))?;
        self.common.launch(choice, account, peer)
    }
}
