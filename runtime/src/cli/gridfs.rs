//! `strongroom gridfs`: the files of one bucket in a MongoDB database, and nothing else of the network.

use super::account::Account;
use super::mongodb_address::DatabaseAddress;
use super::network::TlsArguments;
use super::options::{CommonOptions, GuestChoice};
use super::pair;
use super::report::Failure;
use crate::log::Peer;
use crate::sandbox::{Consent, Embedded, NetworkGrant, NetworkGrants, Scope, Source};
use crate::serve::Launch;
use clap::Args;
use std::ffi::OsString;
use thiserror::Error;

#[derive(Debug, Args)]
#[command(override_usage = "strongroom gridfs [OPTIONS] <mongodb://[USER@]HOST[:PORT]/DATABASE>\n       \
                            strongroom gridfs [OPTIONS] <HOST> <PORT> <DATABASE>")]
pub(super) struct Gridfs {
    /// The database, as mongodb://USER@HOST:PORT/DATABASE, or its host
    ///
    /// One host, by name or address, 27017 unless a port is named. Behind a '?' may stand, with '&' between: tls,
    /// authSource (DATABASE unless named), authMechanism (SCRAM-SHA-256), directConnection (true) and appName (of no
    /// consequence). Users' and databases' names are percent-encoded. A password stands in a file: --password-file.
    // Read by `launch`, because clap repeats what it refuses, and there might be a password in it.
    #[arg(value_name = "ADDRESS|HOST", required_unless_present_any = ["query", "after_dashes"])]
    address: Option<OsString>,

    /// The port, if HOST stands before it; 27017 is MongoDB's
    #[arg(value_name = "PORT", requires = "database")]
    port: Option<OsString>,

    /// The database, if HOST and PORT stand before it
    #[arg(value_name = "DATABASE")]
    database: Option<OsString>,

    /// Serve the files of this bucket
    #[arg(long, value_name = "NAME", default_value = "fs", value_parser = bucket, help_heading = "Database")]
    bucket: String,

    /// Read the user's password from FILE, less one newline at its end
    #[arg(long, value_name = "FILE", value_parser = pair::contents, help_heading = "Database")]
    password_file: Option<String>,

    /// Connect by TLS, as with tls=true in the address
    #[arg(long, help_heading = "Network")]
    tls: bool,

    /// Let the host's name lead into a private network or to this machine
    ///
    /// An address that is written out, and localhost, are meant as they stand. Addresses of clouds' metadata services are
    /// reached only if they are written out.
    #[arg(long, help_heading = "Network")]
    private: bool,

    #[command(flatten)]
    authorities: TlsArguments,

    #[command(flatten)]
    pub common: CommonOptions,
}

/// Arguments that do not go together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum GridfsError {
    #[error("no database is named; strongroom gridfs mongodb://USER@HOST:PORT/DATABASE, or HOST PORT DATABASE")]
    NoDatabase,
    #[error("an address names host, port and database together; leave out what follows it")]
    TooMuch,
    #[error("the address is not UTF-8; escape what is not by '%'")]
    NotText,
    #[error("{0} has no password; name a file that holds it: --password-file FILE")]
    NoPassword(String),
    #[error("there is a password and no user; name one: mongodb://USER@HOST:PORT/DATABASE")]
    NoUser,
    #[error("the address says tls=false, and there is --tls; leave one out")]
    TlsOrNot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a bucket's name is not empty, has no '$' and no NUL, and does not begin with \"system.\" or end in '.'")]
struct BucketError;

fn bucket(name: &str) -> Result<String, BucketError> {
    let is_reserved = name.starts_with("system.") || name.ends_with('.');
    if name.is_empty() || is_reserved || name.contains(['$', '\0']) {
        return Err(BucketError);
    }
    Ok(name.to_owned())
}

impl Gridfs {
    pub(super) fn launch(self, account: &Account, peer: Peer) -> Result<Launch, Failure> {
        let address = self.address().map_err(Failure::Usage)?;
        let settings = self.settings(&address).map_err(Failure::usage)?;
        let grant = NetworkGrant {
            destination: address.server,
            scope: if self.private { Scope::Private } else { Scope::Public },
            consent: Consent::Option("--private"),
        };
        let choice = GuestChoice {
            guest: Source::Embedded(Embedded::Gridfs),
            directories: Vec::new(),
            directory_options: None,
            network: NetworkGrants { destinations: vec![grant], authorities: self.authorities.authorities() },
            environment: Vec::new(),
        };
        let common = self.common.with_own_settings("gridfs", settings).map_err(Failure::usage)?;
        common.launch(choice, account, peer)
    }

    fn address(&self) -> anyhow::Result<DatabaseAddress> {
        let operands: Vec<&OsString> = match &self.address {
            Some(address) => std::iter::once(address).chain(&self.port).chain(&self.database).collect(),
            None => self.common.operands_after_dashes().iter().collect(),
        };
        let texts: Option<Vec<&str>> = operands.into_iter().map(|operand| operand.to_str()).collect();
        match *texts.ok_or(GridfsError::NotText)? {
            // What a client appends to a command stands behind dashes, too.
            [address, ..] if is_address(address) && self.address.is_none() => Ok(address.parse()?),
            [address] => Ok(address.parse()?),
            [address, ..] if is_address(address) => Err(GridfsError::TooMuch.into()),
            [host, port, database, ..] => Ok(DatabaseAddress::without_user(host, port, database)?),
            _ => Err(GridfsError::NoDatabase.into()),
        }
    }

    /// What the guest is told.
    fn settings(&self, address: &DatabaseAddress) -> Result<Vec<(&'static str, String)>, GridfsError> {
        let uses_tls = match address.tls {
            Some(false) if self.tls => return Err(GridfsError::TlsOrNot),
            said => self.tls || said == Some(true),
        };
        let mut settings = vec![
            ("address", address.server.to_string()),
            ("database", address.database.as_str().to_owned()),
            ("bucket", self.bucket.clone()),
            ("tls", if uses_tls { "yes" } else { "no" }.to_owned()),
        ];
        if uses_tls {
            settings.push(("tls-name", address.server.host.to_string()));
        }
        match (&address.user, &self.password_file) {
            (Some(user), Some(password)) => settings.extend([
                ("user", user.name.clone()),
                ("password", password.clone()),
                ("auth-source", user.auth_source.clone()),
            ]),
            (Some(user), None) => return Err(GridfsError::NoPassword(user.name.clone())),
            (None, Some(_)) => return Err(GridfsError::NoUser),
            (None, None) => {}
        }
        Ok(settings)
    }
}

fn is_address(text: &str) -> bool {
    text.contains("://")
}
