//! Several connections to one server, so that commands overlap: as many as are needed at once, up to a limit; whoever comes
//! then waits for its turn.

use crate::connection::{Connection, Target};
use crate::failure::Failure;
use futures_channel::oneshot;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// What the host gives a session unless told otherwise. A server answers one command of a connection after another, so that
/// small reads of many files overlap only on many connections.
const CONNECTIONS_MAX: usize = 32;

/// The connections to one server.
pub struct Pool {
    target: Target,
    /// Those that nobody uses; the one that was used last is used next.
    idle: RefCell<Vec<Connection>>,
    /// Those there are, with those that are being opened.
    count: Cell<usize>,
    waiting: RefCell<VecDeque<oneshot::Sender<Turn>>>,
    clock_ahead_ms: Cell<i64>,
}

/// Whose turn it is gets a connection, or the right to open one.
enum Turn {
    Use(Connection),
    Open,
}

/// A connection that one command uses. Dropped without [`Lease::give_back`] it is closed.
pub struct Lease {
    pool: Rc<Pool>,
    connection: Option<Connection>,
    is_sound: bool,
}

impl Pool {
    /// A pool without a connection yet.
    pub fn new(target: Target) -> Rc<Self> {
        Rc::new(Self {
            target,
            idle: RefCell::default(),
            count: Cell::new(0),
            waiting: RefCell::default(),
            clock_ahead_ms: Cell::new(0),
        })
    }

    /// A connection for one command.
    pub async fn take(self: &Rc<Self>) -> Result<Lease, Failure> {
        let idle = self.idle.borrow_mut().pop();
        let turn = match idle {
            Some(connection) => Turn::Use(connection),
            None if self.count.get() < CONNECTIONS_MAX => {
                self.count.set(self.count.get() + 1);
                Turn::Open
            }
            None => self.wait().await?,
        };
        let mut lease = Lease { pool: Rc::clone(self), connection: None, is_sound: false };
        let connection = match turn {
            Turn::Use(connection) => connection,
            Turn::Open => Connection::open(&self.target).await?,
        };
        self.clock_ahead_ms.set(connection.clock_ahead_ms());
        lease.connection = Some(connection);
        Ok(lease)
    }

    async fn wait(&self) -> Result<Turn, Failure> {
        let (sender, turn) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        turn.await.map_err(|_| Failure::Unusable("the pool of connections is gone".to_owned()))
    }

    /// Closes the connections that nobody uses: when one is lost, the others are likely to be, too.
    pub fn forget_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.borrow_mut());
        self.count.set(self.count.get().saturating_sub(idle.len()));
    }

    /// How far the server's clock is ahead of ours, in milliseconds.
    pub fn clock_ahead_ms(&self) -> i64 {
        self.clock_ahead_ms.get()
    }

    /// Hands a turn to whoever waits for one.
    fn pass(&self, mut turn: Turn) -> Option<Turn> {
        while let Some(next) = self.waiting.borrow_mut().pop_front() {
            match next.send(turn) {
                Ok(()) => return None,
                Err(back) => turn = back,
            }
        }
        Some(turn)
    }
}

impl Lease {
    /// The connection.
    pub fn connection(&mut self) -> Result<&mut Connection, Failure> {
        self.connection.as_mut().ok_or_else(|| Failure::Unusable("a connection was given back already".to_owned()))
    }

    /// The command went well: the connection is for the next one.
    pub fn give_back(mut self) {
        self.is_sound = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let turn = match self.connection.take() {
            Some(connection) if self.is_sound => Turn::Use(connection),
            _ => Turn::Open,
        };
        match self.pool.pass(turn) {
            Some(Turn::Use(connection)) => self.pool.idle.borrow_mut().push(connection),
            Some(Turn::Open) => self.pool.count.set(self.pool.count.get().saturating_sub(1)),
            None => {}
        }
    }
}
