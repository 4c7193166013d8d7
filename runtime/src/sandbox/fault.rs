//! Why an instance came to its end. A fault costs the instance and its handles, never the session.

use super::component::{join_lines, one_line};
use crate::vis::Vis;
use thiserror::Error;
use wasmtime::WasmBacktrace;

/// What ended an instance; the text is for the operator's log.
#[derive(Debug, Error)]
pub enum Fault {
    #[error("the guest trapped: {0}")]
    Trap(String),
    #[error("the guest used the CPU for {limit_ms} ms without returning (limit --cpu-timeout)")]
    CpuTime { limit_ms: u128 },
    #[error("the guest did not return from `{operation}` within {limit_ms} ms (limit {flag})")]
    TimedOut { operation: &'static str, limit_ms: u128, flag: &'static str },
    #[error("the guest broke the contract in `{operation}`: {what}")]
    Contract { operation: &'static str, what: String },
    #[error("the guest could not be instantiated: {0}")]
    Instantiation(String),
}

/// The CPU limit as it travels through wasmtime's errors.
#[derive(Clone, Copy, Debug, Error)]
#[error("CPU limit")]
pub struct CpuTimeExceeded {
    pub limit_ms: u128,
}

impl Fault {
    /// What an error of a guest call means.
    pub fn from_error(error: &wasmtime::Error) -> Self {
        if let Some(exceeded) = error.downcast_ref::<CpuTimeExceeded>() {
            return Self::CpuTime { limit_ms: exceeded.limit_ms };
        }
        Self::Trap(reason(error))
    }
}

/// The causes in one line. Where in the guest it came about is for its author, who has the debug level.
fn reason(error: &wasmtime::Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return one_line(error) };
    let trace = trace.to_string();
    tracing::debug!("guest: {}", Vis(join_lines(&trace).as_bytes()));
    let causes = error.chain().map(ToString::to_string).filter(|cause| *cause != trace);
    causes.map(|cause| join_lines(&cause)).collect::<Vec<_>>().join(": ")
}
