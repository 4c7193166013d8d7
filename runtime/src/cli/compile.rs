//! `strongroom compile`: a guest's code, made ahead of time.

use super::confinement::ConfinementArguments;
use super::guest_argument::guest;
use super::limits::CompileArguments;
use super::report::Failure;
use crate::sandbox::{Calling, Compiler, Engine, precompile};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Compile {
    /// The component: a file, or "jail", "memory" or "gridfs"
    #[arg(value_name = "GUEST")]
    guest: PathBuf,

    /// The file to write, whole or not at all
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    confinement: ConfinementArguments,

    #[command(flatten)]
    limits: CompileArguments,
}

impl Compile {
    /// What is to be printed.
    pub(super) fn run(self) -> Result<String, Failure> {
        let engine = Engine::new(Calling::Tasks).map_err(|error| Failure::other(anyhow::anyhow!("{error:#}")))?;
        let compiler = Compiler::Child { limits: self.limits.limits(), confinement: self.confinement.policy() };
        let size_bytes = precompile(&engine, &guest(self.guest), &compiler, &self.output).map_err(Failure::other)?;
        Ok(format!("{}: {size_bytes} bytes, for strongroom run --precompiled\n", self.output.display()))
    }
}
