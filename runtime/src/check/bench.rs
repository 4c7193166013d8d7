//! Fresh instances to try rows on, and sessions in them that end in order or are cut off.

use super::attempt::{Stop, Tried};
use super::made::Made;
use super::probe::Probe;
use super::row::{Row, Test};
use super::survey::Offer;
use super::words;
use crate::sandbox::{Calls, Fault, StorageSession, Template};
use crate::storage::Client;

pub(super) struct Bench<'a> {
    pub template: &'a Template,
    pub client: &'a Client,
    pub offer: &'a Offer,
}

/// How a session ends that a row was tried in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything is closed, and what was made is removed.
    Tidy,
    /// Everything is closed.
    Orderly,
    /// The instance is dropped as it is.
    Killed,
}

impl Bench<'_> {
    /// Tries a row.
    pub async fn try_row(&self, row: &Row, made: &Made) -> Tried {
        match &row.test {
            Test::Session(test) => {
                self.session(row.name, made, End::Tidy, async |probe| {
                    prepare(probe).await?;
                    test(probe).await
                })
                .await
            }
            Test::Instances(test) => test(self, row, made).await,
            // Whoever comes here has connected.
            Test::Connect => Ok(()),
        }
    }

    /// A session in a fresh instance, with a directory of its own that `prepare` makes.
    pub async fn session<R>(
        &self,
        directory: &str,
        made: &Made,
        end: End,
        body: impl AsyncFnOnce(&Probe<'_>) -> Tried<R>,
    ) -> Tried<R> {
        let mut instance = self.template.instantiate().await?;
        let ran = instance
            .run(async |calls| {
                let probe = match faults(self.connect(calls, directory, made).await)? {
                    Ok(probe) => probe,
                    Err(stop) => return Ok((Err(stop), None)),
                };
                let tried = faults(body(&probe).await)?;
                if end == End::Killed {
                    return Ok((tried, None));
                }
                let (tried, session) = end_session(probe, tried, end).await?;
                Ok((tried, Some(session)))
            })
            .await;
        let (tried, session) = ran?;
        if let Some(mut session) = session {
            instance.drop_closed(&mut session).await?;
        }
        tried
    }

    /// The same of two parts: what the first has closed is dropped before the second begins. It leaves nothing open.
    pub async fn session_around_drop(
        &self,
        directory: &str,
        made: &Made,
        first: impl AsyncFnOnce(&Probe<'_>) -> Tried,
        second: impl AsyncFnOnce(&Probe<'_>) -> Tried,
    ) -> Tried {
        let mut instance = self.template.instantiate().await?;
        let begun = instance.run(async |calls| {
            let probe = match faults(self.connect(calls, directory, made).await)? {
                Ok(probe) => probe,
                Err(stop) => return Ok(Err(stop)),
            };
            match faults(first(&probe).await)? {
                Ok(()) => Ok(Ok(probe.into_session())),
                Err(stop) => Ok(end_session(probe, Err(stop), End::Tidy).await?.0),
            }
        });
        let (mut session, connected) = begun.await??;
        instance.drop_closed(&mut session).await?;
        let ran = instance.run(async |calls| {
            let place = self.offer.place_of(directory);
            let probe = Probe::resume(calls, (session, connected), self.offer, place, made);
            let tried = faults(second(&probe).await)?;
            end_session(probe, tried, End::Tidy).await
        });
        let (tried, mut session) = ran.await?;
        instance.drop_closed(&mut session).await?;
        tried
    }

    async fn connect<'c>(&'c self, calls: &'c Calls<'c>, directory: &str, made: &'c Made) -> Tried<Probe<'c>> {
        let connected = Probe::connect(calls, self.client, self.offer, self.offer.place_of(directory), made).await?;
        connected.map_err(|error| Stop::fails("a session", format!("connect: {}", words::error(&error))))
    }
}

/// Ends a session in order. A failure of the row counts for more than one of the end.
async fn end_session<R>(probe: Probe<'_>, tried: Tried<R>, end: End) -> Result<(Tried<R>, StorageSession), Fault> {
    let ended = match end {
        End::Tidy => probe.tidy_and_end().await,
        _ => probe.end().await,
    };
    let tried = match faults(ended)? {
        Ok(()) => tried,
        Err(stop) => tried.and(Err(stop)),
    };
    Ok((tried, probe.into_session().0))
}

/// The directory that a row works in, if the storage can be changed.
pub(super) async fn prepare(probe: &Probe<'_>) -> Tried {
    if !probe.offer.can_change || probe.offer.is_flat {
        return Ok(());
    }
    if !probe.offer.outlives {
        probe.make_directory(&probe.offer.scratch).await?.done()?;
    }
    probe.make_directory(probe.directory()?).await?.done()
}

/// Faults leave the event loop as such.
fn faults<R>(tried: Tried<R>) -> Result<Tried<R>, Fault> {
    match tried {
        Err(Stop::Fault(fault)) => Err(fault),
        tried => Ok(tried),
    }
}
