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
#[command(
    override_usage = "strongroom run [OPTIONS] <GUEST.wasm>\n       strongroom run [OPTIONS] --precompiled <FILE>"
)]
pub(super) struct Run {
    /// The component
    #[arg(value_name = "GUEST.wasm", required_unless_present_any = ["query", "after_dashes", "precompiled"])]
    guest: Option<PathBuf>,

    /// Load FILE, which `strongroom compile` wrote, in place of a component
    ///
    /// FILE is native code and trusted as strongroom itself is: what is in it runs outside the sandbox with all rights of
    /// this user. So it must belong to root or this user, be writable by nobody else, in directories of which the same holds,
    /// and lie in none that is granted. Code for another version of strongroom or another CPU is refused.
    #[arg(long, value_name = "FILE", conflicts_with = "guest", help_heading = "Guest")]
    precompiled: Option<PathBuf>,

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
        let guest = match self.precompiled {
            Some(code) => Source::Precompiled(code),
            None => {
                let file = self.guest.or_else(|| self.common.operand_after_dashes());
                Source::File(file.ok_or_else(|| Failure::usage(NoGuest))?)
            }
        };
        let choice = self.granted.choice(guest)?;
        self.common.launch(choice, account, peer)
    }
}
