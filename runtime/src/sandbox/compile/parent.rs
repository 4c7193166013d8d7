//! Starts the compiler's process, watches the clock, and takes what it gives.

use super::child::{FAILED, INVALID};
use super::{CompileError, Job};
use crate::vis::Vis;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// More gain little time and cost memory each.
const MAX_THREADS: usize = 4;

/// How much of the compiler's complaint is told.
const MAX_REASON_BYTES: usize = 1024;

/// Sealed code that has not been checked.
pub(super) fn compile(job: &Job, component: &[u8]) -> Result<Vec<u8>, CompileError> {
    let deadline = Instant::now() + job.limits.timeout;
    let mut child = Running(start(job, component).map_err(CompileError::Start)?);
    let overdue = || CompileError::Time(job.limits.timeout);
    let output = child.output(job.limits.memory_bytes, deadline)?.ok_or_else(overdue)?;
    let status = child.wait(deadline)?.ok_or_else(overdue)?;
    if status.success() {
        return Ok(output);
    }
    Err(failure(job, status, &output))
}

/// As many as the compiler's process may use.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS)
}

fn start(job: &Job, component: &[u8]) -> io::Result<Child> {
    let mut input = File::from(memfd_create("component", MemfdFlags::CLOEXEC)?);
    input.write_all(component)?;
    input.rewind()?;
    Command::new("/proc/self/exe")
        .args(job.arguments())
        .env_clear()
        .env("RAYON_NUM_THREADS", threads().to_string())
        // Each further arena of glibc's malloc takes address space for nothing.
        .env("MALLOC_ARENA_MAX", "2")
        .current_dir("/")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

fn failure(job: &Job, status: ExitStatus, output: &[u8]) -> CompileError {
    let reason = || Vis(output.get(..MAX_REASON_BYTES).unwrap_or(output)).to_string();
    match (status.code(), status.signal()) {
        (Some(code), _) if code == i32::from(INVALID) => CompileError::Invalid(reason()),
        (Some(code), _) if code == i32::from(FAILED) => CompileError::Failed(reason()),
        (_, Some(libc::SIGXCPU | libc::SIGKILL)) => CompileError::Time(job.limits.timeout),
        // Where memory ends the compiler aborts.
        (_, Some(libc::SIGABRT | libc::SIGSEGV | libc::SIGBUS)) => CompileError::Memory(job.limits.memory_bytes),
        _ => CompileError::Failed(status.to_string()),
    }
}

/// Killed and waited for when it is no longer needed.
struct Running(Child);

impl Running {
    /// All that the process writes; `None` if it goes on past the deadline.
    fn output(&mut self, max_bytes: usize, deadline: Instant) -> Result<Option<Vec<u8>>, CompileError> {
        let failed = |error: io::Error| CompileError::Failed(error.to_string());
        let Some(pipe) = &mut self.0.stdout else { return Ok(Some(Vec::new())) };
        let mut output = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).ok();
            match poll(&mut [PollFd::new(pipe, PollFlags::IN)], timeout.as_ref()) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(failed(errno.into())),
            }
            match pipe.read(&mut buffer).map_err(failed)? {
                0 => return Ok(Some(output)),
                count => output.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            }
            if output.len() > max_bytes {
                return Err(CompileError::Memory(max_bytes));
            }
        }
    }

    /// How the process ended; `None` if it does not.
    fn wait(&mut self, deadline: Instant) -> Result<Option<ExitStatus>, CompileError> {
        loop {
            let status = self.0.try_wait().map_err(|error| CompileError::Failed(error.to_string()))?;
            if status.is_some() || Instant::now() > deadline {
                return Ok(status);
            }
            // It has closed its output, which is the last that it does.
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has ended already needs neither.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
