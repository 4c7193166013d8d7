//! What an instance may cost. Each of wasmtime's generous defaults is set from here.

use std::time::Duration;

/// Limits of one guest instance; no `Default`, so that each is chosen where it is used.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Of all linear memories and tables together, in bytes.
    pub memory_bytes: usize,
    /// Of each table, in elements.
    pub table_elements: usize,
    /// Core instances, memories and tables of a component; each.
    pub core_items: usize,
    /// Entries of the host's resource table and handles of the component model; each.
    pub resources: usize,
    /// What a guest may hand to the host in one call, in bytes.
    pub host_call_bytes: usize,
    /// Wall time of one call.
    pub call_timeout: Duration,
    /// Wall time of one `close` of a file, which may publish a large upload.
    pub close_timeout: Duration,
    /// CPU time of the instance between two looks of the host at its client.
    pub cpu_time: Duration,
    /// What a guest may write to the log over its life, in bytes.
    pub log_bytes: usize,
    /// Longest list of random bytes that a guest may ask for at once.
    pub random_bytes: u64,
    pub network: NetworkLimits,
}

/// Limits of what all instances of one session together do on the network.
#[derive(Clone, Debug)]
pub struct NetworkLimits {
    /// Connections at once.
    pub connections: usize,
    /// Connections in all, those included that failed.
    pub connects: u64,
    /// Bytes that are sent and received, in all.
    pub bytes: u64,
    /// How long one wait may be: for a name, for a connection, for bytes to come or to go.
    pub wait: Duration,
}
