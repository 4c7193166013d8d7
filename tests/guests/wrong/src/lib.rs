//! A storage in memory that keeps the contract, but for the one promise that the setting `lie` names: each is a row of
//! `strongroom check`. With the setting `shape` it is another kind of storage (`lie.rs` lists both). Without a lie it keeps
//! every promise.
//!
//! A lie is told where it comes about in real storages, and nowhere else: so one that spoils the listing of long names
//! spoils no short ones.

mod directory;
mod file;
#[allow(dead_code, reason = "the test that reads the same file needs more of it")]
mod lie;
mod names;
mod session;
mod upload;
mod world;

use lie::{LIES, Shape};
use session::WrongSession;
use std::cell::Cell;
use std::fs;
use strongroom_guest::tree::TreeSession;
use strongroom_guest::{Client, Connected, Error, ErrorCode, Features, Result, Settings, Storage};
use world::World;

struct Wrong;

strongroom_guest::export!(Wrong);

/// Left by whoever was killed before the session was closed.
const LOCK: &str = "/lock";

thread_local!(static SESSIONS: Cell<u32> = const { Cell::new(0) });

impl Storage for Wrong {
    type Session = WrongSession;

    async fn connect(_client: Client, settings: &mut Settings) -> Result<Connected<WrongSession>> {
        let lie = settings.take_text("lie").unwrap_or_default();
        if !lie.is_empty() && !LIES.iter().any(|(known, _)| *known == lie) {
            return Err(Error::misconfigured(format_args!("no lie is called {lie}")));
        }
        let shape = settings.take_text("shape").unwrap_or_default();
        let shape = Shape::ALL.into_iter().find(|known| known.name() == shape).unwrap_or(Shape::Plain);
        let world = World::new(lie, shape).await?;
        let is_first = SESSIONS.replace(SESSIONS.get() + 1) == 0;
        if world.lies("connect-again") && !is_first {
            return Err(ErrorCode::Busy.into());
        }
        if world.lies("kill-and-reconnect") && is_first {
            lock()?;
        }
        let home = if world.lies("connect") { "/a/../b" } else { "/" };
        let drops = world.lies("close-by-drop");
        let connected = Connected::new(WrongSession { world }).with_features(features(shape)).with_home(home);
        Ok(if drops { connected.closed_by_drop() } else { connected })
    }
}

fn features(shape: Shape) -> Features {
    match shape {
        Shape::Plain => TreeSession::features(),
        Shape::Rich => Features::all(),
        Shape::Shown => Features::SYMLINKS | Features::USAGE,
    }
}

/// Finds a stale lock and breaks it too late.
fn lock() -> Result<()> {
    if fs::remove_file(LOCK).is_ok() {
        return Err(Error::new(ErrorCode::Busy).with_detail("somebody else is connected"));
    }
    Ok(fs::write(LOCK, "")?)
}

/// The first session that is closed takes the lock with it.
pub(crate) fn unlock() {
    let _ = fs::remove_file(LOCK);
}
