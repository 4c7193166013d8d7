//! Names of granted hosts are looked up by a process of their own: the system's resolver reads files and opens sockets,
//! which the process that serves gives up. The other one is started before that, answers for the granted names and no
//! others, and is asked by their number.

mod child;
mod job;
mod parent;

pub use child::run as run_child;
pub use job::Job;
pub use parent::Process;

use super::destination::HostName;
use futures_util::future::BoxFuture;
use std::net::IpAddr;
use std::time::Duration;
use thiserror::Error;

/// Finds the addresses of names.
pub trait Resolve: Send + Sync {
    /// All that the system's resolver says of `name`, within `wait`.
    fn resolve<'a>(&'a self, name: &'a HostName, wait: Duration) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>>;
}

/// Why there are no addresses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// In the system's words.
    #[error("{0}")]
    Failed(String),
    #[error("no answer came in time (limit --network-timeout)")]
    Timeout,
    #[error("the resolver's process is gone")]
    Gone,
}
