//! Compiling a component. What strangers wrote is compiled in a process of its own, with limits on time and memory, no
//! grants, and one pipe to write to: the compiler is the largest body of code that their bytes reach outside the
//! WebAssembly sandbox.

mod child;
mod job;
mod parent;

pub use child::run as run_child;
pub use job::Job;

use super::Engine;
use super::artifact::{self, Damage, seal};
use super::component::{join_lines, one_line};
use super::config::Calling;
use super::without_async::without_async;
use crate::confine;
use std::io;
use std::time::Duration;
use thiserror::Error;

/// What compiling one component may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Wall time.
    pub timeout: Duration,
    /// Address space of the compiler's process.
    pub memory_bytes: usize,
}

/// Where components are compiled.
#[derive(Clone, Copy, Debug)]
pub enum Compiler {
    /// In this process and without a limit: for tests, whose executable has no compiler's process.
    Here,
    /// In a child process, which is this executable again.
    Child { limits: CompileLimits, confinement: confine::Policy },
}

/// Why there is no code.
#[derive(Debug, Error)]
pub enum CompileError {
    /// In the compiler's own words.
    #[error("does not compile: {0}; build it again for wasm32-wasip2")]
    Invalid(String),
    #[error("did not compile within {} s (limit --compile-timeout)", .0.as_secs_f64())]
    Time(Duration),
    #[error("did not compile within {0} bytes of memory (limit --compile-memory), or crashed the compiler")]
    Memory(usize),
    #[error("its compiler failed ({0})")]
    Failed(String),
    #[error("its compiler cannot be started ({0})")]
    Start(io::Error),
    #[error("its compiler gave code that is not taken: {0}")]
    Damaged(#[from] Damage),
}

impl Compiler {
    /// The component's code, sealed and checked.
    pub(super) fn compile(&self, engine: &Engine, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        let sealed = match self {
            Self::Here => seal(engine, compile_here(engine, component).map_err(CompileError::Invalid)?),
            Self::Child { limits, confinement } => {
                let job = Job { calling: engine.calling(), limits: *limits, confinement: *confinement };
                parent::compile(&job, component)?
            }
        };
        artifact::unseal(engine, &sealed)?;
        Ok(sealed)
    }
}

/// Code that is not sealed, or the compiler's complaint.
fn compile_here(engine: &Engine, component: &[u8]) -> Result<Vec<u8>, String> {
    let changed = match engine.calling() {
        Calling::Tasks => None,
        Calling::AtOnce => Some(without_async(component).map_err(|error| join_lines(&error.to_string()))?),
    };
    let component = changed.as_deref().unwrap_or(component);
    engine.compiling().precompile_component(component).map_err(|error| one_line(&error))
}
