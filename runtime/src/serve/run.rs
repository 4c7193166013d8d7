//! One session on stdin and stdout, from the operator's decisions to its end.

use super::termination::Termination;
use super::{End, HostNames, Launch, Service, Stdio};
use crate::log;
use crate::sftp;
use crate::storage::Client;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How a session on stdin and stdout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client had what it wanted and closed the stream.
    Served,
    /// What the client sent first was not INIT, or did not come in time.
    NoInit,
    /// The session ended before the client closed the stream; the log has said why.
    Broken,
}

/// Serves one client on stdin and stdout.
pub fn run(launch: &Launch) -> anyhow::Result<Outcome> {
    let prepared = launch.prepare()?;
    let service = Service {
        template: prepared.load()?,
        client: client(&launch.peer),
        protocol: sftp::Options {
            limits: launch.limits.protocol.clone(),
            read_only: launch.read_only,
            umask: launch.umask.unwrap_or(prepared.process_umask),
            requests: launch.requests.clone(),
            start_directory: launch.start_directory.clone(),
            ignore_unsupported_attributes: launch.ignore_unsupported_attributes,
            utc_offset_seconds: 0,
            user: launch.peer.user.clone(),
            show_names: launch.show_names.then(|| Arc::new(HostNames::load()) as _),
        },
        limits: launch.limits.clone(),
    };
    // From here on a guest may have something to finish.
    let termination = Termination::watch()?;
    prepared.confine()?;
    let opened = Cell::new(false);
    let outcome = prepared.block_on(async {
        let transport = Stdio::take(termination)?;
        let note_opened = || {
            opened.set(true);
            log::opened(&launch.peer);
        };
        anyhow::Ok(tell(service.serve(transport, note_opened).await?))
    });
    if opened.get() {
        log::closed(&launch.peer);
    }
    outcome
}

/// The end of a session as the log and the exit status have it.
fn tell(end: End) -> Outcome {
    match end {
        End::EndOfInput => Outcome::Served,
        End::Protocol(fatal) => {
            tracing::error!("the connection is closed: {fatal}");
            Outcome::Broken
        }
        End::NoInit(fatal) => {
            let reason = fatal.map_or_else(|| "it ended before INIT".to_owned(), |fatal| fatal.to_string());
            tracing::error!("the connection is closed: {reason}");
            Outcome::NoInit
        }
        End::LoginTimeout => {
            tracing::error!("the connection is closed: no INIT came in time (limit --login-timeout)");
            Outcome::NoInit
        }
        End::Terminated => {
            tracing::info!("terminated by a signal");
            Outcome::Broken
        }
        End::ClientGone(error) => {
            tracing::info!("the client is gone: {error}");
            Outcome::Broken
        }
        End::Fault => Outcome::Broken,
        End::EndTimeout => {
            tracing::error!("files that were still closing are given up (limit --end-timeout)");
            Outcome::Broken
        }
    }
}

fn client(peer: &log::Peer) -> Client {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Client {
        user: peer.user.clone(),
        address: peer.address.clone(),
        session_id: format!("{}-{:x}", std::process::id(), started.as_nanos()),
        notes: Vec::new(),
    }
}
