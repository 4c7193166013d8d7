//! `strongroom run`: any component that exports the storage contract, with what is granted here and nothing else.

use super::account::Account;
use super::directory::directory;
use super::network::NetworkArguments;
use super::options::{CommonOptions, DirectoryOptions, GuestChoice};
use super::pair::pair;
use super::report::Failure;
use crate::log::Peer;
use crate::sandbox::{DirectoryGrant, Source};
use crate::serve::Launch;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::collections::BTreeSet;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Args)]
#[command(override_usage = "strongroom run [OPTIONS] <GUEST.wasm>")]
pub(super) struct Run {
    /// The component
    #[arg(value_name = "GUEST.wasm", required_unless_present_any = ["query", "after_dashes", "precompiled"])]
    guest: Option<PathBuf>,

    /// Load FILE, which `strongroom compile` wrote, in place of a component
    ///
    /// FILE is native code and trusted as strongroom itself is: what is in it runs outside the sandbox with all rights of
    /// this user. So it must belong to root or this user, be writable by nobody else, and lie in no directory that is
    /// granted for writing. Code for another version of strongroom or another CPU is refused.
    #[arg(long, value_name = "FILE", conflicts_with = "guest", help_heading = "Guest")]
    precompiled: Option<PathBuf>,

    /// Grant the directory HOST under the name GUEST ("/" unless given), with :ro for reading only
    ///
    /// GUEST begins with "/". A colon in a path is written "\:".
    #[arg(
        long = "dir",
        value_name = "HOST[:GUEST][:ro]",
        value_parser = OsStringValueParser::new().try_map(|text| directory(&text)),
        help_heading = "Directories"
    )]
    grants: Vec<DirectoryGrant>,

    /// Set a variable of the guest's environment, which is empty otherwise; KEY=@FILE reads the value from a file
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = pair, help_heading = "Guest")]
    environment: Vec<(String, String)>,

    #[command(flatten)]
    directories: DirectoryOptions,

    #[command(flatten)]
    network: NetworkArguments,

    #[command(flatten)]
    pub common: CommonOptions,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("two directories are granted as {guest}; name them apart, as in --dir {}:/NAME", .host.display())]
struct SameName {
    guest: String,
    host: PathBuf,
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
        check_names(&self.grants).map_err(Failure::usage)?;
        let choice = GuestChoice {
            guest,
            directories: self.grants,
            directory_options: Some(&self.directories),
            network: self.network.grants(),
            environment: self.environment,
        };
        self.common.launch(choice, account, peer)
    }
}

fn check_names(grants: &[DirectoryGrant]) -> Result<(), SameName> {
    let mut names = BTreeSet::new();
    match grants.iter().find(|grant| !names.insert(&grant.guest)) {
        Some(grant) => Err(SameName { guest: grant.guest.clone(), host: grant.host.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn checked(grants: &[&str]) -> Result<(), SameName> {
        check_names(&grants.iter().map(|text| directory(OsStr::new(text)).unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn each_grant_has_a_name_of_its_own() {
        assert_eq!(checked(&["/srv/a"]), Ok(()));
        assert_eq!(checked(&["/srv/a", "/srv/b:/b:ro"]), Ok(()));
        let message = checked(&["/srv/a", "/srv/b"]).unwrap_err().to_string();
        assert_eq!(message, "two directories are granted as /; name them apart, as in --dir /srv/b:/NAME");
    }
}
