//! What the compiler's process is told on its command line; the component comes on its standard input.

use super::super::config::Calling;
use super::CompileLimits;
use crate::confine::Policy;
use std::ffi::OsString;
use std::time::Duration;

/// The word that makes this executable a compiler. No subcommand of an operator's: it says nothing to a terminal.
const SUBCOMMAND: &str = "compile-guest";

/// What one compilation is for, its limits and its confinement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    pub calling: Calling,
    pub limits: CompileLimits,
    pub confinement: Policy,
}

impl Job {
    /// The job that these arguments, without the program's name, are for; `None` if they are an operator's.
    pub fn from_arguments(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        if arguments.next()? != SUBCOMMAND {
            return None;
        }
        let mut number = || arguments.next()?.into_string().ok()?.parse().ok();
        let timeout = Duration::from_millis(number()?);
        let memory_bytes = usize::try_from(number()?).ok()?;
        let confinement = match number()? {
            0 => Policy::Off,
            1 => Policy::BestEffort,
            _ => Policy::Required,
        };
        let calling = match number()? {
            0 => Calling::Tasks,
            1 => Calling::AtOnce,
            _ => return None,
        };
        Some(Self { calling, limits: CompileLimits { timeout, memory_bytes }, confinement })
    }

    pub(super) fn arguments(&self) -> [String; 5] {
        let confinement = match self.confinement {
            Policy::Off => 0,
            Policy::BestEffort => 1,
            Policy::Required => 2,
        };
        let calling = match self.calling {
            Calling::Tasks => 0,
            Calling::AtOnce => 1,
        };
        [
            SUBCOMMAND.to_owned(),
            self.limits.timeout.as_millis().to_string(),
            self.limits.memory_bytes.to_string(),
            confinement.to_string(),
            calling.to_string(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for confinement in [Policy::Off, Policy::BestEffort, Policy::Required] {
            let limits = CompileLimits { timeout: Duration::from_millis(1500), memory_bytes: 7 << 30 };
            for calling in [Calling::Tasks, Calling::AtOnce] {
                let job = Job { calling, limits, confinement };
                assert_eq!(Job::from_arguments(job.arguments().into_iter().map(OsString::from)), Some(job));
            }
        }
        for line in ["jail 1 2 0 0", "compile-guest x 2 0 0", "compile-guest 1 2 0", "compile-guest 1 2 0 2"] {
            assert_eq!(Job::from_arguments(line.split(' ').map(OsString::from)), None, "{line}");
        }
    }
}
