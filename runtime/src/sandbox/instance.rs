//! A running guest. Calls of the contract run inside [`Instance::run`]: many at once in its event loop, outside of which the
//! host drops what was closed; or, of guests that never wait, one after another, with no loop and drops at any time. CPU
//! time is watched from here, and deadlines of what may wait.

use super::bindings::{copying, storage as exports};
use super::engine::Engine;
use super::entrance::{Entering, Entrance, Way, waited};
use super::fault::Fault;
use super::limits::Limits;
use super::session::{Effect, Finished, OpenFile, StorageSession};
use super::state::State;
use super::watch::{TimeLimit, Watch};
use super::{NativeFile, convert};
use crate::storage::{Answer, Call, Client, Connected, Error, OpenFlags};
use futures_util::FutureExt;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime::Store;
use wasmtime::component::{Resource, ResourceAny};

/// One instance of a guest with a store of its own. After a [`Fault`] it must be dropped.
pub struct Instance {
    pub(super) store: RefCell<Store<State>>,
    pub(super) guest: Guest,
    pub(super) entering: Entering,
    pub(super) engine: Engine,
    pub(super) watch: Arc<Watch>,
}

/// The guest's exports, and what bounds them.
#[derive(Clone)]
pub(super) struct Guest {
    pub storage: exports::Guest,
    pub copying: Option<copying::Guest>,
    pub settings: Vec<(String, String)>,
    pub limits: Limits,
}

impl Instance {
    /// Runs `body`, which may start calls, until it returns: in the instance's event loop, if the guest may wait.
    pub async fn run<R>(&mut self, body: impl AsyncFnOnce(&Calls<'_>) -> Result<R, Fault>) -> Result<R, Fault> {
        let Self { store, guest, entering, engine, watch } = self;
        let watch: &Watch = watch;
        let guest: &Guest = guest;
        let engine: &Engine = engine;
        let way = match entering {
            Entering::Tasks => None,
            Entering::OnThisStack => Some(Way::OnThisStack(store)),
            Entering::OnItsOwnStack => Some(Way::OnItsOwnStack(store)),
        };
        if let Some(way) = way {
            return body(&Calls { way, guest, engine, watch }).await;
        }
        let running = store
            .get_mut()
            .run_concurrent(async |accessor| body(&Calls { way: Way::Tasks(accessor), guest, engine, watch }).await);
        supervise(engine, watch, running).await?.map_err(|error| Fault::from_error(&error))?
    }

    /// Drops the resources that `session` has closed. Only here, unless the guest never waits: a resource of another cannot
    /// be dropped while its event loop runs.
    pub async fn drop_closed(&mut self, session: &mut StorageSession) -> Result<(), Fault> {
        let Self { store, engine, watch, guest, .. } = self;
        let _guard = watch.begin("drop", TimeLimit::call(&guest.limits));
        for resource in session.take_closed() {
            supervise(engine, watch, resource.resource_drop_async(store.get_mut()))
                .await?
                .map_err(|error| Fault::from_error(&error))?;
        }
        Ok(())
    }

    /// Whether the guest was refused memory; says why it trapped.
    pub fn was_refused_memory(&self) -> bool {
        self.store.try_borrow().is_ok_and(|store| store.data().memory.refused)
    }
}

/// Polls guest code, with the epoch running, until it is done or a watched call is overdue.
pub(super) async fn supervise<R>(engine: &Engine, watch: &Watch, running: impl Future<Output = R>) -> Result<R, Fault> {
    let mut running = pin!(running);
    let mut timer = None;
    poll_fn(move |context| {
        loop {
            watch.turn();
            engine.wake_ticker();
            if let Poll::Ready(result) = running.as_mut().poll(context) {
                return Poll::Ready(Ok(result));
            }
            if !watch.note_waiting() {
                break;
            }
        }
        let Some(deadline) = watch.next_deadline() else { return Poll::Pending };
        let deadline = tokio::time::Instant::from_std(deadline);
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => match watch.overdue() {
                Some(fault) => Poll::Ready(Err(fault)),
                None => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            },
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// The calls that may be started on an instance while it runs.
pub struct Calls<'a> {
    way: Way<'a>,
    guest: &'a Guest,
    engine: &'a Engine,
    watch: &'a Watch,
}

impl<'a> Calls<'a> {
    /// The contract's `connect`, with the granted settings. Of a guest that never waits its CPU time alone is bounded.
    pub async fn connect(&self, client: Client) -> Result<Result<(StorageSession, Connected), Error>, Fault> {
        const OPERATION: &str = "connect";
        let _guard = self.watch.begin(OPERATION, TimeLimit::call(&self.guest.limits));
        let settings = self.guest.settings.clone();
        if self.never_waits() {
            self.turn();
            self.engine.wake_ticker();
        }
        let answer = self
            .entrance()
            .call(self.guest.storage.func_connect(), (convert::client(client), settings))
            .await
            .map_err(|error| Fault::from_error(&error))?;
        let connected = match answer {
            Ok(connected) => connected,
            Err(error) => return Ok(Err(convert::error(error))),
        };
        let home = convert::path(connected.home).map_err(|what| Fault::Contract { operation: OPERATION, what })?;
        let session = connected.session;
        let connected = Connected {
            features: convert::features(connected.features),
            home,
            transfer_size: connected.transfer_size,
            notes: connected.notes,
        };
        Ok(Ok((StorageSession::new(session, connected.closed_by_drop()), connected)))
    }

    /// Sees to it that calls can be interrupted, which [`Calls::start`] does too: for moments in which there is nothing
    /// else to do. A failure is told by the next call.
    pub fn prepare(&self) {
        let _ = self.engine.start_ticker();
    }

    /// Notes that control is with the host, so that the guest's CPU time starts anew.
    pub fn turn(&self) {
        self.watch.turn();
    }

    /// Lets the instance run on; the host's loop is polled again with [`Calls::is_waiting`] once the instance can do
    /// nothing but wait.
    pub fn let_run(&self) {
        self.watch.let_run();
    }

    /// Whether the instance has done all that it can since [`Calls::let_run`].
    pub fn is_waiting(&self) -> bool {
        self.watch.is_waiting()
    }

    /// Whether nothing of the guest's goes on in the instance, not even behind calls that have returned.
    pub fn is_idle(&self, context: &mut Context<'_>) -> bool {
        match self.way {
            Way::Tasks(accessor) => accessor.poll_no_interesting_tasks(context).is_ready(),
            Way::OnThisStack(_) | Way::OnItsOwnStack(_) => true,
        }
    }

    /// Closes a file that the guest handed over, if the storage needs no call for that. What the guest has of it is left
    /// to be dropped, but is not open any more.
    pub fn close_native(&self, session: &mut StorageSession, call: &Call<'_>) -> Option<Result<Answer, Error>> {
        let native = session.native_to_close(call)?;
        // What cannot be had here the guest is asked for.
        let taken = self.entrance().with(|state| state.take_back(native)).ok()?;
        let native = taken.then(|| session.close_by_drop(call))???;
        Some(native.close().map(|()| Answer::Done))
    }

    /// Whether the guest answers each call before it returns: then [`Calls::answer`] takes the place of
    /// [`Calls::start`], and what is closed can be dropped at any time.
    pub fn never_waits(&self) -> bool {
        !matches!(self.way, Way::Tasks(_))
    }

    /// The answer of a guest that never waits. Nothing interrupts it but the end of its CPU time, which it shares with the
    /// calls since the last [`Calls::turn`]; there is no wait that a deadline could bound.
    pub fn answer(&self, session: &mut StorageSession, call: Call<'_>) -> Result<Result<Answer, Error>, Fault> {
        if let Some(native) = session.close_by_drop(&call) {
            self.drop_closed(session)?;
            return Ok(native.map_or(Ok(()), NativeFile::close).map(|()| Answer::Done));
        }
        let operation = operation(&call);
        let prepared = match Prepared::new(session, call) {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Err(error)),
        };
        self.begin()?;
        let finished = prepared.run(self.entrance()).now_or_never().unwrap_or_else(|| Err(waited().into()));
        Ok(session.settle(finished.map_err(|failed| failed.during(operation))?))
    }

    /// Drops what `session` has closed, of a guest that never waits.
    pub fn drop_closed(&self, session: &mut StorageSession) -> Result<(), Fault> {
        self.begin()?;
        for resource in session.take_closed() {
            self.entrance().drop_resource(resource).map_err(|error| Fault::from_error(&error))?;
        }
        Ok(())
    }

    /// Sees to it that the guest's CPU time is counted.
    fn begin(&self) -> Result<(), Fault> {
        self.engine.start_ticker()?;
        self.engine.wake_ticker();
        Ok(())
    }

    fn entrance(&self) -> Entrance<'a> {
        Entrance { way: self.way, guest: self.guest }
    }

    /// Starts `call` on `session`. What the answer made or ended is noted by [`StorageSession::settle`].
    pub fn start(
        &self,
        session: &mut StorageSession,
        call: Call<'_>,
    ) -> impl Future<Output = Result<Finished, Fault>> + use<'a> {
        let (operation, limit) = (operation(&call), time_limit(&call, &self.guest.limits));
        let prepared = Prepared::new(session, call);
        let (entrance, watch) = (self.entrance(), self.watch);
        if self.never_waits() {
            self.turn();
        }
        let interrupts = self.begin();
        async move {
            interrupts?;
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err(error) => return Ok(Finished { result: Err(error), effect: Effect::None }),
            };
            let _guard = watch.begin(operation, limit);
            // Some kilobytes, which are put in their place at once; until then the future is small and cheap to move.
            Box::pin(prepared.run(entrance)).await.map_err(|failed| failed.during(operation))
        }
    }
}

/// A call with the guest's resources in place of numbers, owning its data.
enum Prepared {
    OnSession(ResourceAny, OnSession),
    OnFile(ResourceAny, OnFile),
    Copy { source: ResourceAny, source_offset: u64, length: Option<u64>, destination: ResourceAny, offset: u64 },
    ReadDirectory(ResourceAny, u32),
    CloseDirectory(ResourceAny),
}

/// The calls on a path keep the protocol's form; only those are ever held here.
type OnSession = Call<'static>;

enum OnFile {
    Read { offset: u64, length: u32 },
    Write { offset: u64, data: Vec<u8> },
    Stat,
    SetStat(super::bindings::types::AttributeChanges),
    Usage,
    Sync,
    Close(super::bindings::types::Ending),
}

enum Failed {
    Engine(wasmtime::Error),
    Contract(String),
}

impl Failed {
    fn during(self, operation: &'static str) -> Fault {
        match self {
            Self::Engine(error) => Fault::from_error(&error),
            Self::Contract(what) => Fault::Contract { operation, what },
        }
    }
}

impl From<wasmtime::Error> for Failed {
    fn from(error: wasmtime::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<String> for Failed {
    fn from(what: String) -> Self {
        Self::Contract(what)
    }
}

impl Prepared {
    fn new(session: &mut StorageSession, call: Call<'_>) -> Result<Self, Error> {
        Ok(match call {
            Call::Read { file, offset, length } => Self::OnFile(session.file(file)?, OnFile::Read { offset, length }),
            Call::Write { file, offset, data } => {
                Self::OnFile(session.file(file)?, OnFile::Write { offset, data: data.to_vec() })
            }
            Call::FileStat { file } => Self::OnFile(session.file(file)?, OnFile::Stat),
            Call::FileSetStat { file, changes } => {
                Self::OnFile(session.file(file)?, OnFile::SetStat(convert::changes(changes)))
            }
            Call::FileUsage { file } => Self::OnFile(session.file(file)?, OnFile::Usage),
            Call::FileSync { file } => Self::OnFile(session.file(file)?, OnFile::Sync),
            Call::CloseFile { file, ending } => {
                Self::OnFile(session.take_file(file)?, OnFile::Close(convert::ending(ending)))
            }
            Call::Copy { source, source_offset, length, destination, destination_offset } => Self::Copy {
                source: session.file(source)?,
                source_offset,
                length,
                destination: session.file(destination)?,
                offset: destination_offset,
            },
            Call::ReadDirectory { directory, max } => Self::ReadDirectory(session.directory(directory)?, max),
            Call::CloseDirectory { directory } => Self::CloseDirectory(session.take_directory(directory)?),
            Call::Open { file, path, flags, permissions } => {
                Self::OnSession(session.session, Call::Open { file, path, flags, permissions })
            }
            Call::OpenDirectory { directory, path } => {
                Self::OnSession(session.session, Call::OpenDirectory { directory, path })
            }
            Call::Stat { path, follow } => Self::OnSession(session.session, Call::Stat { path, follow }),
            Call::SetStat { path, follow, changes } => {
                Self::OnSession(session.session, Call::SetStat { path, follow, changes })
            }
            Call::RealPath { path } => Self::OnSession(session.session, Call::RealPath { path }),
            Call::MakeDirectory { path, permissions } => {
                Self::OnSession(session.session, Call::MakeDirectory { path, permissions })
            }
            Call::RemoveDirectory { path } => Self::OnSession(session.session, Call::RemoveDirectory { path }),
            Call::Remove { path } => Self::OnSession(session.session, Call::Remove { path }),
            Call::Rename { source, destination, replace } => {
                Self::OnSession(session.session, Call::Rename { source, destination, replace })
            }
            Call::ReadLink { path } => Self::OnSession(session.session, Call::ReadLink { path }),
            Call::Symlink { target, path } => Self::OnSession(session.session, Call::Symlink { target, path }),
            Call::HardLink { existing, path } => Self::OnSession(session.session, Call::HardLink { existing, path }),
            Call::Usage { path } => Self::OnSession(session.session, Call::Usage { path }),
            Call::CloseSession => Self::OnSession(session.session, Call::CloseSession),
        })
    }

    async fn run(self, entrance: Entrance<'_>) -> Result<Finished, Failed> {
        let guest = entrance.guest;
        match self {
            Self::OnSession(session, call) => on_session(entrance, session, call).await,
            Self::OnFile(file, call) => on_file(entrance, file, call).await,
            Self::Copy { source, source_offset, length, destination, offset } => {
                let Some(copying) = &guest.copying else {
                    return copy_by_hand(entrance, (source, source_offset), length, (destination, offset)).await;
                };
                let answer = entrance
                    .call(copying.func_copy_range(), (source, source_offset, length, destination, offset))
                    .await?;
                Ok(plain(answer.map(Answer::Copied).map_err(convert::error)))
            }
            Self::ReadDirectory(directory, max) => {
                let answer = entrance.call(guest.storage.directory().func_read(), (directory, max)).await?;
                Ok(plain(match answer {
                    Ok(entries) => Ok(Answer::Entries(convert::entries(entries, max)?)),
                    Err(error) => Err(convert::error(error)),
                }))
            }
            Self::CloseDirectory(directory) => {
                entrance.enter(guest.storage.directory().func_close(), (directory,)).await?;
                Ok(Finished { result: Ok(Answer::Done), effect: Effect::Closed(directory) })
            }
        }
    }
}

async fn on_session(entrance: Entrance<'_>, session: ResourceAny, call: OnSession) -> Result<Finished, Failed> {
    let exports = entrance.guest.storage.session();
    Ok(match call {
        Call::Open { file, path, flags, permissions } => {
            let wit_flags = convert::open_flags(flags);
            let answer =
                entrance.call(exports.func_open(), (session, path.into_string(), wit_flags, permissions)).await?;
            match answer {
                Ok(opened) => {
                    let native = opened.native.map(|native| take_native(entrance, native, flags)).transpose()?;
                    let file = Effect::File(file, OpenFile { resource: opened.file, native });
                    Finished { result: Ok(Answer::Done), effect: file }
                }
                Err(error) => plain(Err(convert::error(error))),
            }
        }
        Call::OpenDirectory { directory, path } => {
            match entrance.call(exports.func_open_directory(), (session, path.into_string())).await? {
                Ok(opened) => Finished { result: Ok(Answer::Done), effect: Effect::Directory(directory, opened) },
                Err(error) => plain(Err(convert::error(error))),
            }
        }
        Call::Stat { path, follow } => {
            match entrance.call(exports.func_stat(), (session, path.into_string(), follow)).await? {
                Ok(attributes) => plain(Ok(Answer::Attributes(convert::attributes(attributes)?))),
                Err(error) => plain(Err(convert::error(error))),
            }
        }
        Call::SetStat { path, follow, changes } => {
            let changes = convert::changes(changes);
            done(entrance.call(exports.func_set_stat(), (session, path.into_string(), follow, changes)).await?)
        }
        Call::RealPath { path } => {
            match entrance.call(exports.func_real_path(), (session, path.into_string())).await? {
                Ok(path) => plain(Ok(Answer::Path(convert::path(path)?))),
                Err(error) => plain(Err(convert::error(error))),
            }
        }
        Call::MakeDirectory { path, permissions } => {
            done(entrance.call(exports.func_make_directory(), (session, path.into_string(), permissions)).await?)
        }
        Call::RemoveDirectory { path } => {
            done(entrance.call(exports.func_remove_directory(), (session, path.into_string())).await?)
        }
        Call::Remove { path } => done(entrance.call(exports.func_remove(), (session, path.into_string())).await?),
        Call::Rename { source, destination, replace } => {
            let (source, destination) = (source.into_string(), destination.into_string());
            done(entrance.call(exports.func_rename(), (session, source, destination, replace)).await?)
        }
        Call::ReadLink { path } => {
            match entrance.call(exports.func_read_link(), (session, path.into_string())).await? {
                Ok(target) => plain(Ok(Answer::Target(convert::target(target)?))),
                Err(error) => plain(Err(convert::error(error))),
            }
        }
        Call::Symlink { target, path } => {
            done(entrance.call(exports.func_symlink(), (session, target, path.into_string())).await?)
        }
        Call::HardLink { existing, path } => {
            done(entrance.call(exports.func_hard_link(), (session, existing.into_string(), path.into_string())).await?)
        }
        Call::Usage { path } => {
            let answer = entrance.call(exports.func_usage(), (session, path.into_string())).await?;
            plain(answer.map(|usage| Answer::Usage(convert::usage(usage))).map_err(convert::error))
        }
        // `Prepared::new` puts only calls on a session here; `CloseSession` is the one that is left.
        _ => {
            let answer = entrance.call(exports.func_close(), (session,)).await?;
            Finished { result: answer.map(|()| Answer::Done).map_err(convert::error), effect: Effect::Closed(session) }
        }
    })
}

async fn on_file(entrance: Entrance<'_>, file: ResourceAny, call: OnFile) -> Result<Finished, Failed> {
    let exports = entrance.guest.storage.file();
    Ok(match call {
        OnFile::Read { offset, length } => match entrance.call(exports.func_read(), (file, offset, length)).await? {
            Ok(data) => plain(Ok(Answer::Data(convert::data(data, length)?))),
            Err(error) => plain(Err(convert::error(error))),
        },
        OnFile::Write { offset, data } => done(entrance.call(exports.func_write(), (file, offset, data)).await?),
        OnFile::Stat => match entrance.call(exports.func_stat(), (file,)).await? {
            Ok(attributes) => plain(Ok(Answer::Attributes(convert::attributes(attributes)?))),
            Err(error) => plain(Err(convert::error(error))),
        },
        OnFile::SetStat(changes) => done(entrance.call(exports.func_set_stat(), (file, changes)).await?),
        OnFile::Usage => {
            let answer = entrance.call(exports.func_usage(), (file,)).await?;
            plain(answer.map(|usage| Answer::Usage(convert::usage(usage))).map_err(convert::error))
        }
        OnFile::Sync => done(entrance.call(exports.func_sync(), (file,)).await?),
        OnFile::Close(ending) => {
            let answer = entrance.call(exports.func_close(), (file, ending)).await?;
            Finished { result: answer.map(|()| Answer::Done).map_err(convert::error), effect: Effect::Closed(file) }
        }
    })
}

/// A piece of a copy for a storage that does not copy by itself.
async fn copy_by_hand(
    entrance: Entrance<'_>,
    (source, source_offset): (ResourceAny, u64),
    length: Option<u64>,
    (destination, destination_offset): (ResourceAny, u64),
) -> Result<Finished, Failed> {
    let length = length.map_or(COPY_BYTES, |length| u32::try_from(length).unwrap_or(u32::MAX).min(COPY_BYTES));
    let exports = entrance.guest.storage.file();
    let data = match entrance.call(exports.func_read(), (source, source_offset, length)).await? {
        Ok(data) => convert::data(data, length)?,
        Err(error) => return Ok(plain(Err(convert::error(error)))),
    };
    let copied = data.len() as u64;
    if copied == 0 {
        return Ok(plain(Ok(Answer::Copied(0))));
    }
    let written = entrance.call(exports.func_write(), (destination, destination_offset, data)).await?;
    Ok(plain(written.map(|()| Answer::Copied(copied)).map_err(convert::error)))
}

/// What the host copies at once between two files of a guest.
const COPY_BYTES: u32 = 256 << 10;

/// Takes a native file out of the guest's hands, with no more rights than the client asked for.
fn take_native(
    entrance: Entrance<'_>,
    native: Resource<NativeFile>,
    flags: OpenFlags,
) -> Result<NativeFile, wasmtime::Error> {
    let native = entrance.with(|state| state.table.delete(native))??;
    Ok(native.within(flags))
}

fn plain(result: Result<Answer, Error>) -> Finished {
    Finished { result, effect: Effect::None }
}

fn done(answer: Result<(), super::bindings::types::Error>) -> Finished {
    plain(answer.map(|()| Answer::Done).map_err(convert::error))
}

/// The contract's name for what `call` does.
fn operation(call: &Call<'_>) -> &'static str {
    match call {
        Call::Open { .. } => "open",
        Call::OpenDirectory { .. } => "open-directory",
        Call::Stat { .. } | Call::FileStat { .. } => "stat",
        Call::SetStat { .. } | Call::FileSetStat { .. } => "set-stat",
        Call::RealPath { .. } => "real-path",
        Call::MakeDirectory { .. } => "make-directory",
        Call::RemoveDirectory { .. } => "remove-directory",
        Call::Remove { .. } => "remove",
        Call::Rename { .. } => "rename",
        Call::ReadLink { .. } => "read-link",
        Call::Symlink { .. } => "symlink",
        Call::HardLink { .. } => "hard-link",
        Call::Usage { .. } | Call::FileUsage { .. } => "usage",
        Call::Read { .. } | Call::ReadDirectory { .. } => "read",
        Call::Write { .. } => "write",
        Call::FileSync { .. } => "sync",
        Call::Copy { .. } => "copy-range",
        Call::CloseFile { .. } | Call::CloseDirectory { .. } | Call::CloseSession => "close",
    }
}

fn time_limit(call: &Call<'_>, limits: &Limits) -> TimeLimit {
    match call {
        Call::CloseFile { .. } => TimeLimit::close(limits),
        _ => TimeLimit::call(limits),
    }
}
