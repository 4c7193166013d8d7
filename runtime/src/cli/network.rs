//! `--connect` and `--connect-private`: the destinations that a guest may connect to.

use crate::sandbox::{Destination, NetworkGrant, Scope};
use clap::Args;

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
}

impl NetworkArguments {
    pub(super) fn grants(self) -> Vec<NetworkGrant> {
        let with = |scope| move |destination| NetworkGrant { destination, scope };
        let private = self.connect_private.into_iter().map(with(Scope::Private));
        self.connect.into_iter().map(with(Scope::Public)).chain(private).collect()
    }
}
