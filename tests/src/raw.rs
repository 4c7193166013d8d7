//! A server whose pipes, or whose socket, are in the test's own hands, for clients that do not do their part: nothing is read or written
//! but what a test reads and writes.

use crate::packet::{Body, kind};
use crate::{PATIENCE, process};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// A server. It is killed when dropped.
#[derive(Debug)]
pub struct Raw {
    child: Child,
    /// Closed by taking it.
    pub input: Option<File>,
    /// Closed by taking it.
    pub output: Option<File>,
}

impl Raw {
    /// `input` is what the server reads.
    pub(crate) fn new(child: Child, input: OwnedFd, output: OwnedFd) -> Self {
        Self { child, input: Some(input.into()), output: Some(output.into()) }
    }

    /// Exchanges INIT and VERSION.
    pub fn initialise(&mut self) {
        self.send(&Body::new().u32(3).packet(kind::INIT));
        self.packet();
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.input.as_mut().expect("the input is open").write_all(bytes).expect("the server takes it");
    }

    /// The next packet without its length.
    pub fn packet(&mut self) -> Vec<u8> {
        let output = self.output.as_mut().expect("the output is open");
        let mut length = [0; 4];
        output.read_exact(&mut length).expect("a packet's length");
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        output.read_exact(&mut body).expect("a packet");
        body
    }

    pub fn request(&mut self, kind: u8, body: Body) -> Vec<u8> {
        self.send(&body.request(kind, 7));
        self.packet()
    }

    /// The handle of a file that is opened.
    pub fn open(&mut self, path: &str, flags: u32) -> Vec<u8> {
        let reply = self.request(kind::OPEN, Body::new().string(path).u32(flags).u32(0));
        assert_eq!(reply[0], kind::HANDLE, "{path} was not opened");
        reply[9..].to_vec()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the server is there");
    }

    /// How often its main thread has gone to sleep.
    pub fn sleeps(&self) -> u32 {
        self.status("voluntary_ctxt_switches").parse().expect("a count")
    }

    /// Waits until its main thread sleeps.
    pub fn wait_until_asleep(&self) {
        let end = Instant::now() + PATIENCE;
        while !self.status("State").starts_with('S') {
            assert!(Instant::now() < end, "the server does not go to sleep");
        }
    }

    fn status(&self, field: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.expect("a field of its status").trim().to_owned()
    }

    /// What it used of the processor so far.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("its stat");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
        let ticks: u64 = [11, 12].map(|field| fields[field].parse::<u64>().expect("ticks")).iter().sum();
        Duration::from_millis(ticks * 10)
    }

    /// See [`process::peak_memory`].
    pub fn peak_memory(&self) -> u64 {
        process::peak_memory(self.child.id())
    }

    /// See [`process::peak_memory_unless_ended`].
    pub fn peak_memory_unless_ended(&self) -> Option<u64> {
        process::peak_memory_unless_ended(self.child.id())
    }

    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(Instant::now() < end, "it did not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
