//! `strongroom memory`: files that live as long as the session.

use super::account::Account;
use super::options::{CommonOptions, GuestChoice};
use super::report::Failure;
use crate::log::Peer;
use crate::sandbox::{Embedded, NetworkGrants, Source};
use crate::serve::Launch;
use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Memory {
    #[command(flatten)]
    pub common: CommonOptions,
}

impl Memory {
    pub(super) fn launch(self, account: &Account, peer: Peer) -> Result<Launch, Failure> {
        let choice = GuestChoice {
            guest: Source::Embedded(Embedded::Memory),
            directories: Vec::new(),
            directory_options: None,
            network: NetworkGrants::default(),
            environment: Vec::new(),
        };
        self.common.launch(choice, account, peer)
    }
}
