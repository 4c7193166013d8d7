//! `--connect`, `--connect-private` and `--tls-ca`: where a guest may connect to, and whom TLS trusts there.

use crate::sandbox::{Authorities, AuthoritiesError, Consent, Destination, NetworkGrant, NetworkGrants, Scope};
use clap::Args;
use std::path::Path;
use thiserror::Error;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct NetworkArguments {
    /// Grant TCP connections to one port of one host, by name or address
    ///
    /// An IPv6 address stands in brackets. A name may lead to public addresses only, except "localhost"; an address that is
    /// written out is granted whatever it is.
    #[arg(long, value_name = "HOST:PORT")]
    connect: Vec<Destination>,

    /// The same for a name that may lead into a private network or to this machine
    ///
    /// Addresses of clouds' metadata services can be granted by --connect only, written out.
    #[arg(long, value_name = "HOST:PORT")]
    connect_private: Vec<Destination>,

    #[command(flatten)]
    tls: TlsArguments,
}

// Whom TLS trusts.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct TlsArguments {
    /// Let TLS trust the authorities in FILE (PEM) beside the system's
    #[arg(long, value_name = "FILE", value_parser = authorities)]
    tls_ca: Vec<Authorities>,
}

#[derive(Debug, Error)]
#[error("{file}: {reason}")]
struct NoAuthorities {
    file: String,
    reason: AuthoritiesError,
}

fn authorities(file: &str) -> Result<Authorities, NoAuthorities> {
    Authorities::read(Path::new(file)).map_err(|reason| NoAuthorities { file: file.to_owned(), reason })
}

impl NetworkArguments {
    pub(super) fn grants(self) -> NetworkGrants {
        let with = |scope| move |destination| NetworkGrant { destination, scope, consent: Consent::Grant };
        let private = self.connect_private.into_iter().map(with(Scope::Private));
        let destinations = self.connect.into_iter().map(with(Scope::Public)).chain(private).collect();
        NetworkGrants { destinations, authorities: self.tls.authorities() }
    }
}

impl TlsArguments {
    pub(super) fn authorities(self) -> Authorities {
        Authorities::join(self.tls_ca)
    }
}
