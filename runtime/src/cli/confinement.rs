//! `--require-sandbox` and `--no-os-sandbox`: what the operator wants of the layer around the WebAssembly sandbox.

use crate::confine::Policy;
use clap::Args;

#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Sandbox")]
pub(super) struct ConfinementArguments {
    /// Refuse to serve where the kernel cannot confine the process fully
    ///
    /// Before a client's first byte is read, the process gives up files outside the granted directories (landlock),
    /// most system calls (seccomp), privileges of set-user-ID programs and core dumps. What a kernel lacks is told to the
    /// log otherwise.
    #[arg(long, conflicts_with = "no_os_sandbox")]
    require_sandbox: bool,

    /// Do not confine the process; the guest stays in its WebAssembly sandbox
    #[arg(long)]
    no_os_sandbox: bool,
}

impl ConfinementArguments {
    pub(super) fn policy(self) -> Policy {
        match (self.require_sandbox, self.no_os_sandbox) {
            (true, _) => Policy::Required,
            (false, true) => Policy::Off,
            (false, false) => Policy::BestEffort,
        }
    }
}
