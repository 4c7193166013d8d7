//! `strongroom inspect`: what a component can ask for, and what it says it wants.

use super::guest_argument::guest;
use super::report::Failure;
use crate::inspect::{Inspection, Invocation, Report, safe_json, to_json};
use crate::sandbox::{CONTRACT_VERSION, Embedded, Source, broken};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The component: a file, or "jail", "memory" or "gridfs"
    #[arg(value_name = "GUEST")]
    guest: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// What is to be printed. The component is read, and neither compiled nor run.
    pub(super) fn text(self) -> Result<String, Failure> {
        let source = guest(self.guest);
        let name = source.name();
        let component = source.component().map_err(Failure::other)?;
        let inspection = Inspection::read(&component).map_err(|error| Failure::other(broken(&name, &error)))?;
        let invocation = invocation(&source);
        let report =
            Report { name: &name, contract: CONTRACT_VERSION, invocation: &invocation, inspection: &inspection };
        Ok(if self.json { safe_json(&to_json(&report)) } else { report.to_string() })
    }
}

fn invocation(source: &Source) -> Invocation {
    match source {
        Source::Embedded(Embedded::Jail) => Invocation::Jail,
        Source::Embedded(Embedded::Memory) => Invocation::Memory,
        Source::Embedded(Embedded::Gridfs) => Invocation::Gridfs,
        Source::File(_) | Source::Precompiled(_) => Invocation::Run(source.name()),
    }
}
