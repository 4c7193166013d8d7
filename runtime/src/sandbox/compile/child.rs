//! The compiler's process: bounds and confines itself, reads the component, and writes sealed code, or the compiler's
//! complaint, to standard output.

use super::Job;
use super::compile_here;
use crate::confine::{self, Reach};
use crate::sandbox::Engine;
use crate::sandbox::artifact::seal;
use crate::sandbox::component::one_line;
use crate::sandbox::guest_file::MAX_COMPONENT_BYTES;
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use std::io::{self, Read, Write};
use std::process::ExitCode;

/// Exit statuses beside 0: the component is at fault; the process is.
pub(super) const INVALID: u8 = 3;
pub(super) const FAILED: u8 = 4;

/// Does `job` for the process that started this one.
pub fn run(job: &Job) -> ExitCode {
    let (status, output) = match compile(job) {
        Ok(code) => (0, code),
        Err((status, reason)) => (status, reason.into_bytes()),
    };
    let mut out = io::stdout().lock();
    match out.write_all(&output).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(status),
        Err(_) => ExitCode::from(FAILED),
    }
}

fn compile(job: &Job) -> Result<Vec<u8>, (u8, String)> {
    let failed = |reason: String| (FAILED, reason);
    limit(job).map_err(|errno| failed(errno.to_string()))?;
    confine::apply(job.confinement, &Reach { directories: Vec::new(), ports: Vec::new(), system_log: false })
        .map_err(|error| failed(error.to_string()))?;
    let engine = Engine::new(job.calling).map_err(|error| failed(one_line(&error)))?;
    let mut component = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_COMPONENT_BYTES)
        .read_to_end(&mut component)
        .map_err(|error| failed(error.to_string()))?;
    let code = compile_here(&engine, &component).map_err(|reason| (INVALID, reason))?;
    Ok(seal(&engine, code))
}

/// Memory, and CPU time in case that nobody is left to watch the clock.
fn limit(job: &Job) -> rustix::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let memory = Some(job.limits.memory_bytes as u64);
    setrlimit(Resource::As, Rlimit { current: memory, maximum: memory })?;
    let threads = super::parent::threads() as u64;
    let cpu_s = Some(job.limits.timeout.as_secs().saturating_add(1).saturating_mul(threads));
    setrlimit(Resource::Cpu, Rlimit { current: cpu_s, maximum: cpu_s })
}
