//! The system calls that a confined process may still make, each group with its reason. ARCHITECTURE.md has the same
//! table, which a test compares.

use super::Reach;
use libc::c_long;

/// What an allowed call must be besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Always,
    /// Only with a socket of the system's log or a grant for the network.
    Connecting,
    /// Only with a grant for the network: a socket of TCP.
    Tcp,
    /// Likewise: what became of connecting.
    SocketError,
    /// Likewise: that small messages leave at once.
    NoDelay,
    /// Likewise, and nothing besides.
    Connected,
    /// Opens no connection by the way.
    NotOpening,
    /// Starts a thread, and none in other namespaces.
    Thread,
    /// Makes no memory executable.
    NotExecutable,
    /// Names a thread.
    ThreadName,
    /// Is about this process itself.
    OwnProcess,
    /// Allowed by this list and answered by ENOSYS all the same.
    PretendedMissing,
}

impl Condition {
    /// As the table in ARCHITECTURE.md says it, behind the name.
    #[cfg(test)]
    fn words(self) -> &'static str {
        match self {
            Self::Always => "",
            Self::Connecting => " (with a system's log or a network grant)",
            Self::Tcp => " (of TCP, with a network grant)",
            Self::SocketError => " (SO_ERROR, with a network grant)",
            Self::NoDelay => " (TCP_NODELAY, with a network grant)",
            Self::Connected => " (with a network grant)",
            Self::NotOpening => " (without MSG_FASTOPEN)",
            Self::Thread => " (of a thread)",
            Self::NotExecutable => " (not executable)",
            Self::ThreadName => " (a thread's name)",
            Self::OwnProcess => " (of this process)",
            Self::PretendedMissing => " (answered by ENOSYS)",
        }
    }
}

/// Calls that are needed for one thing.
struct Group {
    #[cfg_attr(not(test), allow(dead_code))]
    reason: &'static str,
    calls: &'static [Call],
}

struct Call {
    #[cfg_attr(not(test), allow(dead_code))]
    name: &'static str,
    number: c_long,
    condition: Condition,
}

macro_rules! calls {
    ($($number:ident $(: $condition:ident)?),* $(,)?) => {
        &[$(Call {
            name: stringify!($number),
            number: libc::$number,
            condition: calls!(@condition $($condition)?),
        }),*]
    };
    (@condition) => { Condition::Always };
    (@condition $condition:ident) => { Condition::$condition };
}

const GROUPS: &[Group] = &[
    Group {
        reason: "the client's stream and open files",
        calls: calls![
            SYS_read,
            SYS_write,
            SYS_writev,
            SYS_pread64,
            SYS_pwrite64,
            SYS_pwritev2,
            SYS_lseek,
            SYS_ftruncate,
            SYS_fsync,
            SYS_fdatasync,
            SYS_fadvise64,
            SYS_copy_file_range,
            SYS_close,
            SYS_fcntl,
            SYS_recvfrom,
            SYS_sendto: NotOpening,
        ],
    },
    Group {
        reason: "files in granted directories, as far as landlock and the descriptors allow",
        calls: calls![
            SYS_openat,
            SYS_openat2,
            SYS_fstat,
            SYS_newfstatat,
            SYS_statx,
            SYS_fstatfs,
            SYS_getdents64,
            SYS_readlinkat,
            SYS_mkdirat,
            SYS_unlinkat,
            SYS_renameat,
            SYS_renameat2,
            SYS_linkat,
            SYS_symlinkat,
            SYS_fchmod,
            SYS_fchmodat,
            SYS_fchown,
            SYS_fchownat,
            SYS_utimensat,
        ],
    },
    Group {
        reason: "waiting",
        calls: calls![SYS_ppoll, SYS_epoll_ctl, SYS_epoll_pwait, SYS_futex, SYS_clock_nanosleep, SYS_restart_syscall,],
    },
    Group {
        reason: "memory, of the host and of guests; none can be made executable any more",
        calls: calls![
            SYS_brk, SYS_mmap: NotExecutable, SYS_mprotect: NotExecutable, SYS_munmap, SYS_mremap, SYS_madvise,
            SYS_memfd_create,
        ],
    },
    Group {
        reason: "threads: the epoch's, and those that WASI blocks in",
        calls: calls![
            SYS_clone: Thread, SYS_clone3: PretendedMissing, SYS_set_robust_list, SYS_rseq, SYS_prctl: ThreadName,
            SYS_sched_getaffinity, SYS_sched_yield, SYS_gettid, SYS_exit,
        ],
    },
    Group {
        reason: "signals: SIGTERM, traps of guests, an end by abort",
        calls: calls![
            SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_getpid, SYS_tgkill: OwnProcess,
        ],
    },
    Group {
        reason: "clocks where the kernel does not map them, randomness, the end",
        calls: calls![SYS_clock_gettime, SYS_gettimeofday, SYS_getrandom, SYS_exit_group,],
    },
    Group {
        reason: "finding the system's log again after its daemon was restarted; granted destinations, as far as landlock knows their ports",
        calls: calls![SYS_connect: Connecting],
    },
    Group {
        reason: "connections to granted destinations; without a grant no socket can be made",
        calls: calls![SYS_socket: Tcp, SYS_getsockopt: SocketError, SYS_setsockopt: NoDelay, SYS_shutdown: Connected],
    },
];

/// Older forms of calls above, of which libc and rustix still use some.
#[cfg(target_arch = "x86_64")]
const OLDER: &[Group] = &[Group {
    reason: "older forms of calls above, which x86-64 has beside the newer ones",
    calls: calls![SYS_poll, SYS_epoll_wait, SYS_readlink, SYS_stat, SYS_lstat, SYS_chmod],
}];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[Group] = &[];

/// Numbers of what is allowed, and on what condition.
pub(super) fn allowed(reach: &Reach<'_>) -> impl Iterator<Item = (u32, Condition)> {
    let has_network = !reach.ports.is_empty();
    let calls = GROUPS.iter().chain(OLDER).flat_map(|group| group.calls);
    calls.filter_map(move |call| {
        let condition = match call.condition {
            Condition::Connecting if !has_network && !reach.system_log => return None,
            Condition::Tcp | Condition::SocketError | Condition::NoDelay | Condition::Connected if !has_network => {
                return None;
            }
            // The kernel decides on what is always allowed without running the filter.
            Condition::NotOpening if !has_network => Condition::Always,
            condition => condition,
        };
        Some((u32::try_from(call.number).ok()?, condition))
    })
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests {
    use super::*;
    use std::fmt::Write;
    use std::fs;
    use std::path::Path;

    /// The table as ARCHITECTURE.md has it.
    fn table() -> String {
        let mut table = String::from("| system calls | why |\n|---|---|\n");
        for Group { reason, calls } in GROUPS.iter().chain(OLDER) {
            let name = |call: &Call| {
                let name = call.name.trim_start_matches("SYS_");
                format!("`{name}`{}", call.condition.words())
            };
            let names: Vec<String> = calls.iter().map(name).collect();
            writeln!(table, "| {} | {reason} |", names.join(", ")).unwrap();
        }
        table
    }

    #[test]
    fn the_architecture_lists_every_call() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md");
        let table = table();
        assert!(fs::read_to_string(file).unwrap().contains(&table), "ARCHITECTURE.md lacks this table:\n{table}");
    }

    #[test]
    fn a_call_stands_in_one_group_only() {
        let mut numbers: Vec<c_long> =
            GROUPS.iter().chain(OLDER).flat_map(|group| group.calls).map(|call| call.number).collect();
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), count);
    }
}
