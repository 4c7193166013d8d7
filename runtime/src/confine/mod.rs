//! What the process gives up before it reads a client's first byte: files outside the granted directories (landlock),
//! most system calls (seccomp), privileges that a program file could give, core dumps. It is the layer around the
//! WebAssembly sandbox, for the day on which that one has a hole.
//!
//! Landlock binds the calling thread and what it starts later, so [`confine`] is called while there is one thread.
//! Whatever the process needs afterwards it has open, or can reach in the granted directories.

mod calls;
mod files;
mod filter;
mod unchecked;

use rustix::fs::{CWD, statat};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::set_no_new_privs;
use rustix::time::{ClockId, clock_gettime};
use std::io;
use std::os::fd::BorrowedFd;
use thiserror::Error;

/// What an operator wants of this layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Nothing is given up.
    Off,
    /// All that this kernel can take away is given up.
    BestEffort,
    /// As before, and a kernel that lacks any of it is an error.
    Required,
}

/// What the process may still reach.
#[derive(Debug)]
pub struct Reach<'a> {
    pub directories: Vec<Directory<'a>>,
    /// Ports that connections may be made to; there is no network without any.
    pub ports: Vec<u16>,
    /// Whether a socket of the system's log is open, which may have to find its daemon again.
    pub system_log: bool,
}

/// A directory that stays reachable with all that is beneath it.
#[derive(Clone, Copy, Debug)]
pub struct Directory<'a> {
    pub descriptor: BorrowedFd<'a>,
    pub is_writable: bool,
}

/// Something that this kernel could not take away.
#[derive(Debug, Error)]
pub enum Shortfall {
    #[error("landlock ({0})")]
    Files(String),
    #[error("seccomp ({0})")]
    Calls(String),
    #[error("no_new_privs ({0})")]
    Privileges(io::Error),
    #[error("core dumps ({0})")]
    CoreDumps(io::Error),
    #[error("{0} threads that run already")]
    Threads(u64),
}

/// The operator wants all of the layer and this kernel lacks a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "--require-sandbox: this kernel does not confine the process fully: {0}; use a newer kernel, or leave the option out"
)]
pub struct NotConfined(String);

/// Does what `policy` says and tells the log, in one line, what is left open.
pub fn apply(policy: Policy, reach: &Reach<'_>) -> Result<(), NotConfined> {
    if policy == Policy::Off {
        tracing::warn!("the process is not confined (--no-os-sandbox)");
        return Ok(());
    }
    let shortfalls = confine(reach);
    if shortfalls.is_empty() {
        return Ok(());
    }
    let list = shortfalls.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if policy == Policy::Required {
        return Err(NotConfined(list));
    }
    tracing::warn!("the process is not fully confined, this kernel lacks: {list}");
    Ok(())
}

/// Gives up, for good, all but `reach`. What could not be given up is returned; the rest was.
pub fn confine(reach: &Reach<'_>) -> Vec<Shortfall> {
    let mut shortfalls = Vec::new();
    let threads = threads();
    if threads > 1 {
        shortfalls.push(Shortfall::Threads(threads - 1));
    }
    let dumps = forbid_core_dumps().map_err(|errno| Shortfall::CoreDumps(errno.into()));
    let privileges = set_no_new_privs(true).map_err(|errno| Shortfall::Privileges(errno.into()));
    read_vdso();
    let files = files::restrict(reach).map_err(|error| Shortfall::Files(causes(&error)));
    let calls = filter::restrict(reach).map_err(|error| Shortfall::Calls(causes(&error)));
    shortfalls.extend([dumps, privileges, files, calls].into_iter().filter_map(Result::err));
    shortfalls
}

/// For a process that must go on reading files and opening sockets, as the system's resolver does: it changes no file,
/// starts no program, gains no privilege and leaves no core, as far as this kernel can see to it.
pub fn forbid_changes(policy: Policy) {
    if policy == Policy::Off {
        return;
    }
    // The process has no log, and what it lacks is the kernel's, which the one that started it tells of.
    let _ = forbid_core_dumps();
    let _ = set_no_new_privs(true);
    let _ = files::forbid_changes();
}

/// How many threads the process has. /proc counts them as links of the directory that lists them, beside the two that
/// every directory has; without /proc it is taken on trust.
fn threads() -> u64 {
    statat(CWD, "/proc/self/task", rustix::fs::AtFlags::empty()).map_or(1, |stat| stat.st_nlink.saturating_sub(2))
}

/// Not dumpable means also that no process of the same user can look into this one's memory or open files.
fn forbid_core_dumps() -> rustix::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// The clock's address in the process is looked up at its first use, by ways that are closed afterwards.
fn read_vdso() {
    let _ = clock_gettime(ClockId::Monotonic);
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
