//! Every limit of a session, set explicitly: what the protocol may hold, what an instance may cost, how long a wait
//! may take. There is no `Default`: `cli/` names each value where its flag is declared.

use crate::{sandbox, sftp};
use std::time::Duration;

/// All limits of one session.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What the protocol holds for a client.
    pub protocol: sftp::Limits,
    /// What a guest instance may cost.
    pub instance: sandbox::Limits,
    /// What compiling the guest may cost.
    pub compile: sandbox::CompileLimits,
    /// How long a client may take to send INIT.
    pub login_timeout: Duration,
    /// How long open files may take to close after the client is gone.
    pub end_timeout: Duration,
    /// How many fresh instances one session may need after faults before it ends.
    pub restarts: u32,
}
