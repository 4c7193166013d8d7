//! Seccomp: the program that the kernel asks about each system call. What is not in the list fails with EPERM, is told
//! to the kernel's log, and kills nothing.
//!
//! The program is a search tree over the call's number. When it is installed the kernel walks it once for every number
//! there is, so that a list of comparisons would cost each start a quarter of a millisecond; and calls that it then finds
//! always allowed never enter it.

use super::Reach;
use super::calls::{Condition, allowed};
use super::unchecked::{self, Refusals};
use libc::{BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, ENOSYS, EPERM, sock_filter};
use std::io;
use thiserror::Error;

/// Why there is no filter.
#[derive(Debug, Error)]
pub(super) enum FilterError {
    #[error("not written for this kind of processor")]
    Architecture,
    #[error("the filter is too long")]
    Length,
    #[error(transparent)]
    Install(#[from] io::Error),
}

pub(super) fn restrict(reach: &Reach<'_>) -> Result<(), FilterError> {
    let own_id = std::process::id();
    let program = program(reach, own_id)?;
    // Apart from the other one, because what is only pretended is not worth a line in the kernel's log at each start.
    unchecked::install(&pretend_missing(libc::SYS_clone3), Refusals::Silent)?;
    unchecked::install(&program, Refusals::Logged)?;
    Ok(())
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_003E);
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
const ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
const ARCHITECTURE: Option<u32> = None;

/// Offsets in `struct seccomp_data`; an argument's lower half, on a little-endian machine.
const NUMBER: u32 = 0;
const ARCHITECTURE_OFFSET: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | EPERM.cast_unsigned();

/// What is done with calls from a number on, up to the next entry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    from: u32,
    condition: Option<Condition>,
}

/// Answers ENOSYS to one call, whose arguments lie in memory where no filter sees them: libc then makes an older one.
fn pretend_missing(number: libc::c_long) -> Vec<sock_filter> {
    let missing = libc::SECCOMP_RET_ERRNO | ENOSYS.cast_unsigned();
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    vec![load(NUMBER), jump(BPF_JEQ, number, 0, 1), answer(missing), answer(ALLOW)]
}

fn program(reach: &Reach<'_>, own_id: u32) -> Result<Vec<sock_filter>, FilterError> {
    let architecture = ARCHITECTURE.ok_or(FilterError::Architecture)?;
    let tree = tree(&ranges(reach), own_id)?;
    let mut program = vec![
        load(ARCHITECTURE_OFFSET),
        // Another architecture's numbers mean other calls.
        jump(BPF_JEQ, architecture, 1, 0),
        answer(REFUSE),
        load(NUMBER),
    ];
    program.extend(tree);
    Ok(program)
}

/// All numbers from 0 on, neighbours with the same answer in one.
fn ranges(reach: &Reach<'_>) -> Vec<Range> {
    let mut calls: Vec<(u32, Condition)> = allowed(reach).collect();
    calls.sort_unstable_by_key(|(number, _)| *number);
    let mut ranges = vec![Range { from: 0, condition: None }];
    for (number, condition) in calls {
        ranges.push(Range { from: number, condition: Some(condition) });
        ranges.push(Range { from: number + 1, condition: None });
    }
    // Of two that begin at the same number the later one holds.
    ranges.reverse();
    ranges.dedup_by_key(|range| range.from);
    ranges.reverse();
    ranges.dedup_by_key(|range| range.condition);
    ranges
}

fn tree(ranges: &[Range], own_id: u32) -> Result<Vec<sock_filter>, FilterError> {
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    let Some(Range { from, condition }) = upper.first() else { return Ok(vec![answer(REFUSE)]) };
    if lower.is_empty() {
        return Ok(leaf(*condition, own_id));
    }
    let below = tree(lower, own_id)?;
    let skipped = u8::try_from(below.len()).map_err(|_| FilterError::Length)?;
    let mut tree = vec![jump(BPF_JGE, *from, skipped, 0)];
    tree.extend(below);
    tree.extend(self::tree(upper, own_id)?);
    Ok(tree)
}

fn leaf(condition: Option<Condition>, own_id: u32) -> Vec<sock_filter> {
    // Flags that a new thread has, and flags that would give it namespaces of its own.
    const THREAD: u32 = libc::CLONE_THREAD.cast_unsigned();
    const NAMESPACES: u32 = (libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET)
        .cast_unsigned();
    const FAMILIES: [u32; 2] = [libc::AF_INET.cast_unsigned(), libc::AF_INET6.cast_unsigned()];
    const STREAM: u32 = (libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC).cast_unsigned();
    match condition {
        None => vec![answer(REFUSE)],
        Some(Condition::Always | Condition::Connecting | Condition::Connected | Condition::PretendedMissing) => {
            vec![answer(ALLOW)]
        }
        Some(Condition::ThreadName) => if_all(&[(0, &[libc::PR_SET_NAME.cast_unsigned()])]),
        Some(Condition::OwnProcess) => if_all(&[(0, &[own_id])]),
        // No protocol is named, which makes it TCP, and not one that landlock does not know.
        Some(Condition::Tcp) => if_all(&[(0, &FAMILIES), (1, &[STREAM]), (2, &[0])]),
        Some(Condition::SocketError) => {
            if_all(&[(1, &[libc::SOL_SOCKET.cast_unsigned()]), (2, &[libc::SO_ERROR.cast_unsigned()])])
        }
        Some(Condition::NoDelay) => {
            if_all(&[(1, &[libc::IPPROTO_TCP.cast_unsigned()]), (2, &[libc::TCP_NODELAY.cast_unsigned()])])
        }
        // Landlock does not see a connection that is opened by sending.
        Some(Condition::NotOpening) => vec![
            load(argument(3)),
            jump(BPF_JSET, libc::MSG_FASTOPEN.cast_unsigned(), 1, 0),
            answer(ALLOW),
            answer(REFUSE),
        ],
        Some(Condition::NotExecutable) => vec![
            load(argument(2)),
            jump(BPF_JSET, libc::PROT_EXEC.cast_unsigned(), 1, 0),
            answer(ALLOW),
            answer(REFUSE),
        ],
        Some(Condition::Thread) => vec![
            load(argument(0)),
            jump(BPF_JSET, THREAD, 0, 2),
            jump(BPF_JSET, NAMESPACES, 1, 0),
            answer(ALLOW),
            answer(REFUSE),
        ],
    }
}

/// Allows a call each of whose arguments that are named is one of the values beside it.
fn if_all(arguments: &[(u32, &[u32])]) -> Vec<sock_filter> {
    let mut program = Vec::new();
    for (index, values) in arguments {
        program.push(load(argument(*index)));
        for (value, left) in values.iter().zip((1..=values.len()).rev()) {
            // Over the values that are left and the refusal behind them; there are never many.
            program.push(jump(BPF_JEQ, *value, left as u8, 0));
        }
        program.push(answer(REFUSE));
    }
    program.push(answer(ALLOW));
    program
}

fn load(offset: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
}

/// Skips `if_true` or `if_false` instructions.
fn jump(comparison: u32, value: u32, if_true: u8, if_false: u8) -> sock_filter {
    instruction(BPF_JMP | comparison | BPF_K, value, if_true, if_false)
}

fn answer(value: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, value, 0, 0)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    // Every code is less than 256.
    sock_filter { code: code as u16, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const OWN_ID: u32 = 4711;
    const STREAM: u32 = (libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC).cast_unsigned();

    /// Runs a program as the kernel does, on a call with these arguments' lower halves.
    fn run(program: &[sock_filter], architecture: u32, number: u32, arguments: [u32; 4]) -> u32 {
        let mut accumulator = 0;
        let mut position = 0;
        loop {
            let sock_filter { code, jt, jf, k } = program[position];
            position += 1;
            let is_true = match u32::from(code) {
                code if code == BPF_RET | BPF_K => return k,
                code if code == BPF_LD | BPF_W | BPF_ABS => {
                    accumulator = match k {
                        NUMBER => number,
                        ARCHITECTURE_OFFSET => architecture,
                        k => arguments[(k as usize - 16) / 8],
                    };
                    continue;
                }
                code if code == BPF_JMP | BPF_JGE | BPF_K => accumulator >= k,
                code if code == BPF_JMP | BPF_JEQ | BPF_K => accumulator == k,
                code if code == BPF_JMP | BPF_JSET | BPF_K => accumulator & k != 0,
                code => panic!("{code}"),
            };
            position += usize::from(if is_true { jt } else { jf });
        }
    }

    fn reach(system_log: bool, ports: &[u16]) -> Reach<'static> {
        Reach { directories: Vec::new(), ports: ports.to_vec(), system_log }
    }

    fn answer_to(number: libc::c_long, arguments: [u32; 4], ports: &[u16]) -> u32 {
        run(&program(&reach(false, ports), OWN_ID).unwrap(), ARCHITECTURE.unwrap(), number as u32, arguments)
    }

    #[test]
    fn what_is_listed_is_allowed_and_nothing_else() {
        for reach in [reach(false, &[]), reach(true, &[]), reach(false, &[80]), reach(true, &[80])] {
            let program = program(&reach, OWN_ID).unwrap();
            let listed: BTreeMap<u32, Condition> = allowed(&reach).collect();
            for number in (0..2000).chain([0x4000_0000, 0x4000_0003, u32::MAX]) {
                // All conditions hold for one of these.
                let tries = [
                    [0; 4],
                    [OWN_ID, 0, 0, 0],
                    [15, 0, 0, 0],
                    [libc::CLONE_THREAD.cast_unsigned(), 0, 0, 0],
                    [libc::AF_INET.cast_unsigned(), STREAM, 0, 0],
                    [0, libc::SOL_SOCKET.cast_unsigned(), libc::SO_ERROR.cast_unsigned(), 0],
                    [0, libc::IPPROTO_TCP.cast_unsigned(), libc::TCP_NODELAY.cast_unsigned(), 0],
                ];
                let is_allowed = tries.iter().any(|try_| run(&program, ARCHITECTURE.unwrap(), number, *try_) == ALLOW);
                assert_eq!(is_allowed, listed.contains_key(&number), "{number}");
                let other = run(&program, 0x4000_0003, number, [0; 4]);
                assert_eq!(other, REFUSE, "{number} of another architecture");
            }
        }
    }

    #[test]
    fn what_conditions_say() {
        let thread = libc::CLONE_THREAD.cast_unsigned() | libc::CLONE_VM.cast_unsigned();
        for (number, arguments, expected) in [
            (libc::SYS_clone, [thread, 0, 0, 0], ALLOW),
            (libc::SYS_clone, [libc::SIGCHLD.cast_unsigned(), 0, 0, 0], REFUSE),
            (libc::SYS_clone, [thread | libc::CLONE_NEWUSER.cast_unsigned(), 0, 0, 0], REFUSE),
            (libc::SYS_mmap, [0, 0, 3, 0], ALLOW),
            (libc::SYS_mmap, [0, 0, 7, 0], REFUSE),
            (libc::SYS_mprotect, [0, 0, 4, 0], REFUSE),
            (libc::SYS_tgkill, [OWN_ID, 0, 0, 0], ALLOW),
            (libc::SYS_tgkill, [1, 0, 0, 0], REFUSE),
            (libc::SYS_prctl, [libc::PR_SET_NAME.cast_unsigned(), 0, 0, 0], ALLOW),
            (libc::SYS_prctl, [libc::PR_SET_SECCOMP.cast_unsigned(), 0, 0, 0], REFUSE),
            (libc::SYS_socket, [1, 1, 0, 0], REFUSE),
            (libc::SYS_connect, [3, 0, 0, 0], REFUSE),
            (libc::SYS_execve, [0, 0, 0, 0], REFUSE),
        ] {
            assert_eq!(answer_to(number, arguments, &[]), expected, "{number} {arguments:?}");
        }
    }

    #[test]
    fn a_grant_for_the_network_allows_connections_of_tcp_and_no_more() {
        let [v4, v6, unix] = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX].map(i32::cast_unsigned);
        let [socket, tcp] = [libc::SOL_SOCKET, libc::IPPROTO_TCP].map(i32::cast_unsigned);
        let [mptcp, datagram] = [262, STREAM - 1 + libc::SOCK_DGRAM.cast_unsigned()];
        for (number, arguments, expected) in [
            (libc::SYS_socket, [v4, STREAM, 0, 0], ALLOW),
            (libc::SYS_socket, [v6, STREAM, 0, 0], ALLOW),
            (libc::SYS_socket, [unix, STREAM, 0, 0], REFUSE),
            (libc::SYS_socket, [v4, datagram, 0, 0], REFUSE),
            (libc::SYS_socket, [v4, libc::SOCK_RAW.cast_unsigned(), 0, 0], REFUSE),
            (libc::SYS_socket, [v4, STREAM, mptcp, 0], REFUSE),
            (libc::SYS_connect, [3, 0, 0, 0], ALLOW),
            (libc::SYS_getsockopt, [3, socket, libc::SO_ERROR.cast_unsigned(), 0], ALLOW),
            (libc::SYS_getsockopt, [3, socket, libc::SO_PEERCRED.cast_unsigned(), 0], REFUSE),
            (libc::SYS_setsockopt, [3, tcp, libc::TCP_NODELAY.cast_unsigned(), 0], ALLOW),
            (libc::SYS_setsockopt, [3, socket, libc::TCP_NODELAY.cast_unsigned(), 0], REFUSE),
            (libc::SYS_setsockopt, [3, tcp, libc::TCP_ULP.cast_unsigned(), 0], REFUSE),
            (libc::SYS_sendto, [3, 0, 0, libc::MSG_NOSIGNAL.cast_unsigned()], ALLOW),
            (libc::SYS_sendto, [3, 0, 0, libc::MSG_FASTOPEN.cast_unsigned()], REFUSE),
            (libc::SYS_bind, [3, 0, 0, 0], REFUSE),
            (libc::SYS_listen, [3, 0, 0, 0], REFUSE),
            (libc::SYS_accept4, [3, 0, 0, 0], REFUSE),
            (libc::SYS_socketpair, [unix, STREAM, 0, 0], REFUSE),
        ] {
            assert_eq!(answer_to(number, arguments, &[80]), expected, "{number} {arguments:?}");
            let is_free = matches!(number, libc::SYS_sendto);
            assert_eq!(
                answer_to(number, arguments, &[]),
                if is_free { ALLOW } else { REFUSE },
                "{number} {arguments:?}"
            );
        }
    }
}
