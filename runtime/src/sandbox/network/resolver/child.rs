//! The resolver's process: answers for the names on its command line, one question after another, until the process that
//! started it is gone.

use super::job::{Job, Question, Reply};
use crate::confine;
use rustix::process::{Signal, set_parent_process_death_signal};
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::process::ExitCode;

/// Does `job` for the process at the other end of standard input, which is a socket.
pub fn run(job: &Job) -> ExitCode {
    let prepared = set_parent_process_death_signal(Some(Signal::KILL));
    if prepared.is_err() {
        return ExitCode::FAILURE;
    }
    confine::forbid_changes(job.confinement);
    let socket = io::stdin();
    let mut buffer = [0; 16];
    // Nothing to read is the other end's end, and what cannot be sent has nobody who waits for it.
    while let Ok(count @ 1..) = rustix::io::read(&socket, &mut buffer) {
        let Some(question) = buffer.get(..count).and_then(Question::from_bytes) else { break };
        let reply = Reply { number: question.number, result: answer(job, question) };
        if rustix::io::write(&socket, &reply.to_bytes()).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}

fn answer(job: &Job, question: Question) -> Result<Vec<IpAddr>, String> {
    let name = usize::try_from(question.name).ok().and_then(|index| job.names.get(index));
    let name = name.ok_or("no such name was granted")?;
    let found = (name.as_str(), 0).to_socket_addrs().map_err(|error| error.to_string())?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|address| address.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}
