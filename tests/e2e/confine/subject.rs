//! The confined process: what it tries, and how it says what came of it, a line each.

use rustix::fs::{AtFlags, CWD};
use seccompiler::{SeccompAction, SeccompFilter, apply_filter};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use strongroom::confine::{Directory, Reach, confine};

/// Calls that nothing after the start needs, and the ways into the kernel or out of the process that attackers use.
/// `connect` is among them because this process has no system's log.
pub const FORBIDDEN: &[(&str, libc::c_long)] = &[
    ("execve", libc::SYS_execve),
    ("execveat", libc::SYS_execveat),
    ("ptrace", libc::SYS_ptrace),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("process_madvise", libc::SYS_process_madvise),
    ("pidfd_open", libc::SYS_pidfd_open),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("kcmp", libc::SYS_kcmp),
    ("kill", libc::SYS_kill),
    ("tkill", libc::SYS_tkill),
    ("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo),
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("pivot_root", libc::SYS_pivot_root),
    ("chroot", libc::SYS_chroot),
    ("chdir", libc::SYS_chdir),
    ("fsopen", libc::SYS_fsopen),
    ("fsmount", libc::SYS_fsmount),
    ("move_mount", libc::SYS_move_mount),
    ("open_tree", libc::SYS_open_tree),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("unshare", libc::SYS_unshare),
    ("setns", libc::SYS_setns),
    ("socket", libc::SYS_socket),
    ("socketpair", libc::SYS_socketpair),
    ("bind", libc::SYS_bind),
    ("listen", libc::SYS_listen),
    ("accept4", libc::SYS_accept4),
    ("connect", libc::SYS_connect),
    ("sendmsg", libc::SYS_sendmsg),
    ("recvmsg", libc::SYS_recvmsg),
    ("setsockopt", libc::SYS_setsockopt),
    ("name_to_handle_at", libc::SYS_name_to_handle_at),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("mknodat", libc::SYS_mknodat),
    ("truncate", libc::SYS_truncate),
    ("ioctl", libc::SYS_ioctl),
    ("setxattr", libc::SYS_setxattr),
    ("fsetxattr", libc::SYS_fsetxattr),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
    ("bpf", libc::SYS_bpf),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("add_key", libc::SYS_add_key),
    ("request_key", libc::SYS_request_key),
    ("keyctl", libc::SYS_keyctl),
    ("kexec_load", libc::SYS_kexec_load),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("init_module", libc::SYS_init_module),
    ("finit_module", libc::SYS_finit_module),
    ("delete_module", libc::SYS_delete_module),
    ("reboot", libc::SYS_reboot),
    ("swapon", libc::SYS_swapon),
    ("quotactl", libc::SYS_quotactl),
    ("acct", libc::SYS_acct),
    ("syslog", libc::SYS_syslog),
    ("sethostname", libc::SYS_sethostname),
    ("clock_settime", libc::SYS_clock_settime),
    ("settimeofday", libc::SYS_settimeofday),
    ("adjtimex", libc::SYS_adjtimex),
    ("setuid", libc::SYS_setuid),
    ("setresuid", libc::SYS_setresuid),
    ("setresgid", libc::SYS_setresgid),
    ("setgroups", libc::SYS_setgroups),
    ("setfsuid", libc::SYS_setfsuid),
    ("capset", libc::SYS_capset),
    ("personality", libc::SYS_personality),
    ("umask", libc::SYS_umask),
    ("inotify_init1", libc::SYS_inotify_init1),
    ("fanotify_init", libc::SYS_fanotify_init),
    ("shmget", libc::SYS_shmget),
    ("msgget", libc::SYS_msgget),
    ("semget", libc::SYS_semget),
    ("mq_open", libc::SYS_mq_open),
    ("pkey_mprotect", libc::SYS_pkey_mprotect),
    ("remap_file_pages", libc::SYS_remap_file_pages),
    ("move_pages", libc::SYS_move_pages),
    ("mbind", libc::SYS_mbind),
    ("vmsplice", libc::SYS_vmsplice),
    ("splice", libc::SYS_splice),
    ("sched_setscheduler", libc::SYS_sched_setscheduler),
    ("setpriority", libc::SYS_setpriority),
    #[cfg(target_arch = "x86_64")]
    ("fork", libc::SYS_fork),
    #[cfg(target_arch = "x86_64")]
    ("vfork", libc::SYS_vfork),
    #[cfg(target_arch = "x86_64")]
    ("open", libc::SYS_open),
    #[cfg(target_arch = "x86_64")]
    ("creat", libc::SYS_creat),
    #[cfg(target_arch = "x86_64")]
    ("iopl", libc::SYS_iopl),
    #[cfg(target_arch = "x86_64")]
    ("ioperm", libc::SYS_ioperm),
    #[cfg(target_arch = "x86_64")]
    ("modify_ldt", libc::SYS_modify_ldt),
];

/// Does what `words` say; false if they say nothing to a subject.
pub fn run(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["calls", is_confined] => calls(*is_confined == "confined"),
        ["conditions", is_confined] => conditions(*is_confined == "confined"),
        ["files", place] => files(Path::new(place)),
        ["log", path] => log(Path::new(path)),
        ["network", granted, other] => network(granted, other),
        ["lacking", call, program, arguments @ ..] => lacking(call, program, arguments),
        _ => return false,
    }
    true
}

fn confine_to(directories: &[(&File, bool)], system_log: bool) {
    confine_with(directories, &[], system_log);
}

fn confine_with(directories: &[(&File, bool)], ports: &[u16], system_log: bool) {
    let directories = directories
        .iter()
        .map(|(file, is_writable)| Directory { descriptor: file.as_fd(), is_writable: *is_writable })
        .collect();
    let shortfalls = confine(&Reach { directories, ports: ports.to_vec(), system_log });
    assert!(shortfalls.is_empty(), "this kernel cannot confine a process, which these tests need: {shortfalls:?}");
}

fn say(what: &str, result: io::Result<()>) {
    match result {
        Ok(()) => println!("{what}: done"),
        Err(error) => println!("{what}: {}", error.raw_os_error().expect("an error of the system")),
    }
}

/// Each call's number under a filter that answers ENOSYS, which gives way to one that refuses: EPERM can only come from
/// the latter, and nothing is ever done, whoever runs this.
fn calls(is_confined: bool) {
    before(FORBIDDEN.iter().map(|(_, number)| *number), SeccompAction::Trace(0));
    if is_confined {
        confine_to(&[], false);
    }
    for (name, number) in FORBIDDEN {
        say(name, call(*number, [0; 4]));
    }
}

fn conditions(is_confined: bool) {
    let own_id = i64::from(std::process::id());
    let parent = i64::from(std::os::unix::process::parent_id());
    if is_confined {
        confine_to(&[], false);
    }
    let anonymous = i64::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    let (read, executable) = (i64::from(libc::PROT_READ), i64::from(libc::PROT_READ | libc::PROT_EXEC));
    let fork = || match unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } {
        0 => unsafe { libc::_exit(0) },
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    };
    let map = |protection: i64| match unsafe { libc::syscall(libc::SYS_mmap, 0, 4096, protection, anonymous, -1, 0) } {
        -1 => Err(io::Error::last_os_error()),
        address => Ok(address),
    };
    say("fork", fork());
    let mapped = map(read).unwrap();
    say("mprotect", call(libc::SYS_mprotect, [mapped, 4096, executable, 0]));
    say("mmap executable", map(executable).map(drop));
    say("a signal to itself", call(libc::SYS_tgkill, [own_id, own_id, 0, 0]));
    say("a signal to another", call(libc::SYS_tgkill, [parent, parent, 0, 0]));
    say("prctl", call(libc::SYS_prctl, [i64::from(libc::PR_SET_DUMPABLE), 1, 0, 0]));
    say("limits", call(libc::SYS_prlimit64, [0, i64::from(libc::RLIMIT_NOFILE), 0, 0]));
    say("a thread", std::thread::Builder::new().spawn(|| ()).map(|thread| thread.join().unwrap()));
    say("clone3", call(libc::SYS_clone3, [0; 4]));
}

/// `place` has the directories `granted`, `readonly` and `outside`, each with a file.
fn files(place: &Path) {
    let granted = File::open(place.join("granted")).unwrap();
    let readonly = File::open(place.join("readonly")).unwrap();
    let already_open = File::open(place.join("outside/file")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    confine_to(&[(&granted, true), (&readonly, false)], false);

    let outside = place.join("outside/file");
    say("main", File::open(&outside).map(drop));
    let open = outside.clone();
    say("thread", std::thread::spawn(move || File::open(open).map(drop)).join().unwrap());
    let open = outside.clone();
    let blocking = runtime.block_on(async { tokio::task::spawn_blocking(move || File::open(open).map(drop)).await });
    say("blocking", blocking.unwrap());
    let nested = std::thread::spawn(|| std::thread::spawn(move || File::open(outside).map(drop)).join().unwrap());
    say("nested", nested.join().unwrap());

    let path = |name: &str| place.join(name);
    say("list outside", fs::read_dir(path("outside")).map(drop));
    say("create outside", File::create(path("outside/new")).map(drop));
    say("remove outside", remove(&path("outside/file")));
    say("rename out", rename(&path("granted/file"), &path("outside/moved")));
    say("link in", link(&path("outside/file"), &path("granted/stolen")));
    say("passwd", File::open("/etc/passwd").map(drop));
    say("proc", File::open("/proc/self/maps").map(drop));
    say("create readonly", File::create(path("readonly/new")).map(drop));
    say("truncate readonly", OpenOptions::new().write(true).truncate(true).open(path("readonly/file")).map(drop));
    say("rename to readonly", rename(&path("granted/file"), &path("readonly/moved")));

    say("already open", already_open.metadata().map(drop));
    say("read readonly", fs::read(path("readonly/file")).map(drop));
    say("create", File::create(path("granted/new")).map(drop));
    say("mkdir", make_directory(&path("granted/folder")));
    say("rename across", rename(&path("granted/new"), &path("granted/folder/new")));
    say("link across", link(&path("granted/folder/new"), &path("granted/link")));
    say("rename a fifo", rename(&path("granted/fifo"), &path("granted/folder/fifo")));
    let by_descriptor = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&granted));
    say("chmod by descriptor", fs::set_permissions(&by_descriptor, fs::Permissions::from_mode(0o711)));
    say("list by descriptor", fs::read_dir(&by_descriptor).map(drop));
}

// The calls that the server makes; the library of the language makes older ones, which the filter refuses.

fn remove(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::unlinkat(CWD, path, AtFlags::empty())?)
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    Ok(rustix::fs::renameat(CWD, from, CWD, to)?)
}

fn link(existing: &Path, new: &Path) -> io::Result<()> {
    Ok(rustix::fs::linkat(CWD, existing, CWD, new, AtFlags::empty())?)
}

fn make_directory(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::mkdirat(CWD, path, 0o700.into())?)
}

fn log(path: &Path) {
    let daemon = UnixDatagram::bind(path).unwrap();
    let socket = UnixDatagram::unbound().unwrap();
    socket.connect(path).unwrap();
    confine_to(&[], true);
    say("send", socket.send(b"one").map(drop));
    daemon.recv(&mut [0; 8]).unwrap_or(0);
    say("connect again", socket.connect(path));
    say("send again", socket.send(b"two").map(drop));
    say("another socket", UnixDatagram::unbound().map(drop));
}

/// With a grant for one of two ports on the loopback where somebody listens.
fn network(granted: &str, other: &str) {
    let [granted, other] = [granted, other].map(|port| port.parse::<u16>().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    confine_with(&[], &[granted], false);
    let connect = |host: &'static str, port: u16| {
        let connected = runtime.block_on(async { tokio::net::TcpStream::connect((host, port)).await });
        connected.and_then(|stream| stream.set_nodelay(true))
    };
    say("granted port", connect("127.0.0.1", granted));
    say("other port", connect("127.0.0.1", other));
    let family = |family: i32, kind: i32, protocol: i32| {
        let kind = kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        call(libc::SYS_socket, [family.into(), kind.into(), protocol.into(), 0])
    };
    say("udp", family(libc::AF_INET, libc::SOCK_DGRAM, 0));
    say("raw", family(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP));
    say("unix", family(libc::AF_UNIX, libc::SOCK_STREAM, 0));
    say("netlink", family(libc::AF_NETLINK, libc::SOCK_DGRAM, 0));
    say("vsock", family(libc::AF_VSOCK, libc::SOCK_STREAM, 0));
    say("mptcp", family(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP));
    say("sctp", family(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_SCTP));
    say("fast open", call(libc::SYS_sendto, [0, 0, 0, libc::MSG_FASTOPEN.into()]));
    for (name, number) in FORBIDDEN.iter().filter(|(name, _)| !["socket", "connect", "setsockopt"].contains(name)) {
        say(name, call(*number, [0; 4]));
    }
}

/// Starts `program` on what is, for it, a kernel without the call.
fn lacking(missing: &str, program: &str, arguments: &[&str]) {
    let number = match missing {
        "landlock" => libc::SYS_landlock_create_ruleset,
        _ => libc::SYS_seccomp,
    };
    before([number], SeccompAction::Errno(libc::ENOSYS.cast_unsigned()));
    panic!("{program}: {}", Command::new(program).args(arguments).exec());
}

/// A filter of this process's own, put in before the library's.
fn before(numbers: impl IntoIterator<Item = libc::c_long>, action: SeccompAction) {
    let rules: BTreeMap<_, _> = numbers.into_iter().map(|number| (number, Vec::new())).collect();
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, architecture).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    apply_filter(&program).unwrap();
}

fn call(number: libc::c_long, arguments: [i64; 4]) -> io::Result<()> {
    let [a, b, c, d] = arguments;
    match unsafe { libc::syscall(number, a, b, c, d, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
