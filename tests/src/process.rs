//! Child processes that cannot hang a test: their input and output are carried by threads, every wait has an end, and
//! what still runs is killed when the test lets go of it.

use crate::{Client, PATIENCE, Place, Raw};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A command line, with an environment that holds nothing of the person who runs the tests.
#[derive(Clone, Debug)]
pub struct Program {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    input: Vec<u8>,
    umask: Option<String>,
    patience: Duration,
}

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Program {
    pub fn new(place: &Place, program: impl Into<OsString>) -> Self {
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("HOME".into(), place.home().into()),
            ("XDG_CACHE_HOME".into(), place.cache().into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("TZ".into(), "UTC".into()),
        ];
        environment.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment,
            directory: place.home(),
            input: Vec::new(),
            umask: None,
            patience: PATIENCE,
        }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Where it runs; the place's home unless told otherwise.
    pub fn in_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = directory.as_ref().to_owned();
        self
    }

    /// What it reads from standard input; then that ends.
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = bytes.as_ref().to_vec();
        self
    }

    /// Starts it with this umask, in octal.
    pub fn umask(mut self, umask: &str) -> Self {
        self.umask = Some(umask.to_owned());
        self
    }

    /// For what may rightly take longer than [`PATIENCE`].
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The command in one line for a shell, as `sftp -D` and authorized_keys take it.
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.program).chain(&self.arguments);
        words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }

    /// Runs it to its end.
    pub fn run(&self) -> Outcome {
        let mut process = self.spawn();
        process.send(self.input.clone());
        process.end_input();
        let (stdout, stderr) = process.read_to_end(self.patience);
        let status = process.wait_for(self.patience);
        Outcome { status, stdout, stderr }
    }

    /// Runs it; anything but success fails the test.
    pub fn succeed(&self) -> Outcome {
        let outcome = self.run();
        assert!(outcome.status.success(), "{}: {}\n{}", self.line(), outcome.status, outcome.all());
        outcome
    }

    /// Starts it and leaves its standard input open.
    pub fn spawn(&self) -> Process {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.line()));
        Process::new(child, self.line())
    }

    /// Starts it as an SFTP server and exchanges INIT and VERSION.
    pub fn connect(&self) -> Client {
        let mut client = self.unconnected();
        client.initialise();
        client
    }

    /// Starts it as an SFTP server to which nothing was sent.
    pub fn unconnected(&self) -> Client {
        Client::new(self.spawn())
    }

    /// Starts it as an SFTP server, exchanges INIT and VERSION, and leaves its pipes to the test. What it says on standard
    /// error is thrown away.
    pub fn spawn_raw(&self) -> Raw {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.line()));
        let (input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut raw = Raw::new(child, input.into(), output.into());
        raw.initialise();
        raw
    }

    /// Starts it as an SFTP server whose standard input and output are one socket, as sshd and `sftp -D` have it, and to which
    /// nothing was sent.
    pub fn spawn_on_socket(&self) -> Raw {
        let (ours, its) = UnixStream::pair().expect("a pair of sockets");
        ours.set_read_timeout(Some(PATIENCE)).expect("a socket with a time limit");
        let mut command = self.command();
        command.stdin(OwnedFd::from(its.try_clone().expect("a descriptor more"))).stdout(OwnedFd::from(its));
        let child = command.stderr(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{}: {error}", self.line()));
        Raw::new(child, ours.try_clone().expect("a descriptor more").into(), ours.into())
    }

    fn command(&self) -> Command {
        let mut command = match &self.umask {
            None => Command::new(&self.program),
            Some(umask) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", r#"umask "$0" && exec "$@""#, umask]).arg(&self.program);
                shell
            }
        };
        command.args(&self.arguments).env_clear().current_dir(&self.directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Outcome {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Both outputs, for messages of failed tests.
    pub fn all(&self) -> String {
        format!("{}{}", self.text(), self.stderr)
    }

    /// The one line that went to standard error.
    #[track_caller]
    pub fn one_line(&self) -> &str {
        let line = self.stderr.strip_suffix('\n').unwrap_or(&self.stderr);
        assert!(!line.is_empty() && !line.contains('\n'), "one line was to be told, and this was: {:?}", self.stderr);
        line
    }
}

/// A running child. It is killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    line: String,
    input: Option<Sender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
    output: Receiver<Vec<u8>>,
    errors: Option<JoinHandle<String>>,
}

impl Process {
    fn new(mut child: Child, line: String) -> Self {
        let (input, chunks) = channel();
        let stdin = child.stdin.take().expect("stdin is a pipe");
        let stdout = child.stdout.take().expect("stdout is a pipe");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let (sender, output) = channel();
        let writer = Some(thread::spawn(move || write_all(stdin, &chunks)));
        thread::spawn(move || read_chunks(stdout, &sender));
        let errors = Some(thread::spawn(move || read_text(stderr)));
        Self { child, line, input: Some(input), writer, output, errors }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends bytes without waiting for the child to take them.
    pub fn send(&mut self, bytes: Vec<u8>) {
        if let Some(input) = &self.input {
            // A child that has ended takes nothing more, which the next wait tells better.
            let _ = input.send(bytes);
        }
    }

    /// Closes standard input once everything sent was taken.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// The next bytes of standard output; `None` at its end.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        match self.output.recv_timeout(PATIENCE) {
            Ok(bytes) => Some(bytes),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.hung("it wrote nothing"),
        }
    }

    /// Whether anything is there to be received right now.
    pub fn received(&mut self) -> Option<Vec<u8>> {
        self.output.try_recv().ok()
    }

    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_child(&self.child);
        kill_process(id, signal).unwrap_or_else(|error| panic!("{}: {error}", self.line));
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.wait_for(PATIENCE)
    }

    /// What it said on standard error; waits for its end.
    pub fn errors(&mut self) -> String {
        let status = self.wait();
        let errors = self.errors.take().expect("errors are taken once");
        errors.join().unwrap_or_else(|_| panic!("{}: {status}", self.line))
    }

    fn wait_for(&mut self, patience: Duration) -> ExitStatus {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            if Instant::now() > end {
                self.hung("it did not end");
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn read_to_end(&mut self, patience: Duration) -> (Vec<u8>, String) {
        let end = Instant::now() + patience;
        let mut bytes = Vec::new();
        loop {
            match self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(chunk) => bytes.extend(chunk),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.hung("it did not end"),
            }
        }
        self.wait_for(end.saturating_duration_since(Instant::now()).max(Duration::from_secs(1)));
        let errors = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
        (bytes, errors)
    }

    fn hung(&mut self, what: &str) -> ! {
        let _ = self.child.kill();
        let errors = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
        panic!("{}: {what}, and its time was over; it said: {errors}", self.line);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.input = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// The most memory that a running process had at once (VmHWM), in bytes.
pub fn peak_memory(id: u32) -> u64 {
    peak_memory_unless_ended(id).expect("the process runs")
}

/// As [`peak_memory`]; nothing of a process that has ended and was not waited for, of which the kernel tells no memory.
pub fn peak_memory_unless_ended(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the status of a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes = line.trim().strip_suffix(" kB").expect("VmHWM is in kB");
    Some(kibibytes.parse::<u64>().expect("VmHWM is a number") << 10)
}

fn write_all(mut stdin: ChildStdin, chunks: &Receiver<Vec<u8>>) {
    for chunk in chunks {
        if stdin.write_all(&chunk).is_err() {
            return;
        }
    }
}

fn read_chunks(mut stdout: ChildStdout, sender: &Sender<Vec<u8>>) {
    let mut buffer = vec![0; 256 << 10];
    while let Ok(count @ 1..) = stdout.read(&mut buffer) {
        if sender.send(buffer[..count].to_vec()).is_err() {
            return;
        }
    }
}

fn read_text(mut stderr: ChildStderr) -> String {
    let mut bytes = Vec::new();
    let _ = stderr.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_str().expect("words of command lines in tests are UTF-8");
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-=:,%+@".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{word}'") }
}
