//! What is one way in a component and another on the machine itself, where tests run: connections, and work beside a call.
//!
//! In a component connections are WASI's and never block. On the machine itself they are the standard library's and do, and
//! work that is started is done at once, so that tests need no executor.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub use native::{Stream, let_others_run, pause, spawn};
#[cfg(target_arch = "wasm32")]
pub use wasm::{Stream, let_others_run, pause, spawn};

use std::fmt;

/// Where a server listens, and how it is spoken with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address, the latter without brackets.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// With TLS, the name that the server's certificate has to bear.
    pub tls_name: Option<String>,
}

/// Why a connection is none, or none any more. The texts are for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The host's patience for the network is at its end.
    TimedOut,
    /// Anything else.
    Ended(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => formatter.write_str("the server does not answer"),
            Self::Ended(reason) => formatter.write_str(reason),
        }
    }
}
