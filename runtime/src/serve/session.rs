//! One session from `connect` to the last close: a protocol session over a transport, on one instance after another.

use super::driver::{Driver, Turn};
use super::{Transport, Wanted};
use crate::limits::Limits;
use crate::sandbox::{Fault, Instance, StorageSession, Template};
use crate::storage::{Client, Connected, Error};
use crate::{sftp, vis};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use thiserror::Error as ThisError;

/// What a session serves and to whom.
pub struct Service {
    pub template: Template,
    pub client: Client,
    pub protocol: sftp::Options,
    pub limits: Limits,
}

/// How a session ended that began.
#[derive(Debug)]
pub enum End {
    /// The client closed the stream.
    EndOfInput,
    /// The operator asked for it (SIGTERM).
    Terminated,
    /// The client does not take what it asked for, or its stream broke.
    ClientGone(io::Error),
    /// The client broke the protocol.
    Protocol(sftp::Fatal),
    /// Something else came before INIT, or the end of the stream.
    NoInit(Option<sftp::Fatal>),
    /// The client sent no INIT in time.
    LoginTimeout,
    /// Files were still closing when patience ended.
    EndTimeout,
    /// The guest failed while the session was ending; what was open may not have been closed.
    Fault,
}

/// Why a session could not begin or go on.
#[derive(Debug, ThisError)]
pub enum ServeError {
    #[error("the guest failed before the session began: {0}")]
    Start(Fault),
    #[error("the storage refused the session: {0}")]
    Refused(String),
    #[error("the guest failed {restarts} times in one session; the last time: {fault}")]
    Restarts { restarts: u32, fault: Fault },
    #[error("the guest did not come back after a fault: {0}")]
    Restart(Fault),
}

impl Service {
    /// Serves one client. `opened` is called once the storage
    /// has let the client in and the client has said INIT.
    pub async fn serve(self, transport: impl Transport, opened: impl FnOnce()) -> Result<End, ServeError> {
        let Self { template, client, protocol, limits } = self;
        let mut transport = transport;
        let begun = begin(&template, &client, &mut transport).await.map_err(ServeError::Start)?;
        let Some(Begun { mut instance, storage, connected }) = begun.transpose().map_err(refused)? else {
            return Ok(End::Terminated);
        };
        let protocol = sftp::Session::new(protocol, connected);
        let mut driver = Driver::new(transport, opened, protocol, storage, &limits);
        let mut restarts = 0;
        loop {
            let fault = match instance.run(async |calls| driver.run(calls).await).await {
                Ok(Turn::Finished(end)) => return Ok(end),
                Ok(Turn::DropClosed) => match instance.drop_closed(driver.storage()).await {
                    Ok(()) => continue,
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            let memory =
                if instance.was_refused_memory() { " (it was refused memory: limit --max-memory)" } else { "" };
            tracing::error!("guest: {}{memory}; its open files are lost", vis::Vis(fault.to_string().as_bytes()));
            drop(instance);
            if driver.storage_lost() {
                driver.give_up().await;
                return Ok(End::Fault);
            }
            restarts += 1;
            let again = if restarts > limits.restarts {
                Err(ServeError::Restarts { restarts, fault })
            } else {
                let begun = begin(&template, &client, driver.transport()).await.map_err(ServeError::Restart);
                begun.and_then(|begun| begun.transpose().map_err(refused))
            };
            match again {
                Ok(Some(begun)) => {
                    instance = begun.instance;
                    driver.storage_restored(begun.storage, begun.connected);
                }
                Ok(None) => {
                    driver.give_up().await;
                    return Ok(End::Terminated);
                }
                Err(error) => {
                    driver.give_up().await;
                    return Err(error);
                }
            }
        }
    }
}

/// A fresh instance with a connected session.
struct Begun {
    instance: Instance,
    storage: StorageSession,
    connected: Connected,
}

/// Instantiates and connects; `None` if the operator wanted an end meanwhile.
async fn begin(
    template: &Template,
    client: &Client,
    transport: &mut impl Transport,
) -> Result<Option<Result<Begun, Error>>, Fault> {
    let mut beginning = pin!(async {
        let mut instance = template.instantiate().await?;
        let connected = instance.run(async |calls| calls.connect(client.clone()).await).await?;
        Ok(connected.map(|(storage, connected)| Begun { instance, storage, connected }))
    });
    let nothing = Wanted { receive: false, send: false };
    poll_fn(|context| {
        if let Poll::Ready(begun) = beginning.as_mut().poll(context) {
            return Poll::Ready(begun.map(Some));
        }
        // Asked first: a wait that has told of the end before does not tell of it again.
        let is_over = transport.is_terminated() || {
            let _ = transport.poll_ready(context, nothing);
            transport.is_terminated()
        };
        if is_over { Poll::Ready(Ok(None)) } else { Poll::Pending }
    })
    .await
}

fn refused(error: Error) -> ServeError {
    let detail = error.detail.unwrap_or_default();
    let text = match (error.message.is_empty(), detail.is_empty()) {
        (true, true) => format!("{:?}", error.code),
        (false, true) => error.message,
        (true, false) => detail,
        (false, false) => format!("{} ({detail})", error.message),
    };
    ServeError::Refused(vis::Vis(text.as_bytes()).to_string())
}
