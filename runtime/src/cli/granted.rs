//! What a command line grants a component: directories, destinations and an environment.

use super::directory::directory;
use super::network::NetworkArguments;
use super::options::{DirectoryOptions, GuestChoice};
use super::pair::pair;
use super::report::Failure;
use crate::sandbox::{DirectoryGrant, Source};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::collections::BTreeSet;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Args)]
pub(super) struct GrantArguments {
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
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("two directories are granted as {guest}; name them apart, as in --dir {}:/NAME", .host.display())]
struct SameName {
    guest: String,
    host: PathBuf,
}

impl GrantArguments {
    /// The guest with what is granted to it.
    pub(super) fn choice(&self, guest: Source) -> Result<GuestChoice<'_>, Failure> {
        check_names(&self.grants).map_err(Failure::usage)?;
        Ok(GuestChoice {
            guest,
            directories: self.grants.clone(),
            directory_options: Some(&self.directories),
            network: self.network.clone().grants(),
            environment: self.environment.clone(),
        })
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
