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
    /// How many there may be: less than the most, once one more was refused.
    limit: Cell<usize>,
    waiting: RefCell<VecDeque<oneshot::Sender<Result<Passed, Failure>>>>,
    clock_ahead_ms: Cell<i64>,
}

/// Whose turn it is gets a connection, or the right to open one.
enum Turn {
    Use(Connection),
    Open,
}

/// A turn on its way to somebody. Dropped before it is taken, it goes to the next.
struct Passed {
    pool: Rc<Pool>,
    turn: Option<Turn>,
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
            limit: Cell::new(CONNECTIONS_MAX),
            waiting: RefCell::default(),
            clock_ahead_ms: Cell::new(0),
        })
    }

    /// A connection for one command.
    pub async fn take(self: &Rc<Self>) -> Result<Lease, Failure> {
        loop {
            let mut passed = self.turn().await?;
            if let Some(Turn::Use(connection)) = passed.turn.take_if(|turn| matches!(turn, Turn::Use(_))) {
                return Ok(self.lease(connection));
            }
            let failure = match Connection::open(&self.target).await {
                Ok(connection) => {
                    passed.turn = None;
                    return Ok(self.lease(connection));
                }
                Err(failure) => failure,
            };
            let others = self.count.get().saturating_sub(1);
            if others == 0 {
                self.fail_waiting(&failure);
                self.limit.set(CONNECTIONS_MAX);
                return Err(failure);
            }
            // The host or the server may allow fewer than ours: then those there are have to do.
            passed.turn = None;
            self.count.set(others);
            self.limit.set(others);
            if failure.is_timed_out() {
                return Err(failure);
            }
        }
    }

    async fn turn(self: &Rc<Self>) -> Result<Passed, Failure> {
        let idle = self.idle.borrow_mut().pop();
        let turn = match idle {
            Some(connection) => Turn::Use(connection),
            None if self.count.get() < self.limit.get() => {
                self.count.set(self.count.get() + 1);
                Turn::Open
            }
            None => return self.wait().await,
        };
        Ok(Passed { pool: Rc::clone(self), turn: Some(turn) })
    }

    async fn wait(&self) -> Result<Passed, Failure> {
        let (sender, turn) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        turn.await.map_err(|_| Failure::Unusable("the pool of connections is gone".to_owned()))?
    }

    fn lease(self: &Rc<Self>, connection: Connection) -> Lease {
        self.clock_ahead_ms.set(connection.clock_ahead_ms());
        Lease { pool: Rc::clone(self), connection: Some(connection), is_sound: false }
    }

    /// Closes the connections that nobody uses: when one is lost, the others are likely to be, too.
    pub fn forget_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.borrow_mut());
        self.count.set(self.count.get().saturating_sub(idle.len()));
        // What a server that is gone refused says nothing of the one that comes.
        self.limit.set(CONNECTIONS_MAX);
    }

    /// How far the server's clock is ahead of ours, in milliseconds.
    pub fn clock_ahead_ms(&self) -> i64 {
        self.clock_ahead_ms.get()
    }

    /// Hands a turn to whoever waits for one.
    fn pass(self: &Rc<Self>, turn: Turn) {
        let mut passed = Passed { pool: Rc::clone(self), turn: Some(turn) };
        while let Some(next) = self.next_waiting() {
            match next.send(Ok(passed)) {
                Err(Ok(back)) => passed = back,
                _ => return,
            }
        }
        match passed.turn.take() {
            Some(Turn::Use(connection)) => self.idle.borrow_mut().push(connection),
            Some(Turn::Open) => self.count.set(self.count.get().saturating_sub(1)),
            None => {}
        }
    }

    /// Tells all who wait what would take each of them as long to find out.
    fn fail_waiting(&self, failure: &Failure) {
        while let Some(next) = self.next_waiting() {
            // Who does not wait any more needs no word.
            drop(next.send(Err(failure.clone())));
        }
    }

    fn next_waiting(&self) -> Option<oneshot::Sender<Result<Passed, Failure>>> {
        self.waiting.borrow_mut().pop_front()
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.pool.pass(turn);
        }
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
        match self.connection.take() {
            Some(connection) if self.is_sound => self.pool.pass(Turn::Use(connection)),
            _ => self.pool.pass(Turn::Open),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Endpoint;
    use bson::doc;
    use pollster::block_on;
    use std::future::Future;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    /// A pool for a server that greets so many connections and ends those that come after.
    fn pool(connections: usize) -> Rc<Pool> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut open = vec![];
            for stream in listener.incoming() {
                if open.len() < connections {
                    let mut stream = stream.unwrap();
                    let mut length = [0; 4];
                    stream.read_exact(&mut length).unwrap();
                    stream.read_exact(&mut vec![0; i32::from_le_bytes(length) as usize - 4]).unwrap();
                    stream.write_all(&greeting()).unwrap();
                    open.push(stream);
                }
            }
        });
        let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port, tls_name: None };
        Pool::new(Target { endpoint, login: None })
    }

    fn greeting() -> Vec<u8> {
        let body = doc! { "ok": 1, "isWritablePrimary": true, "maxWireVersion": 21 }.to_vec().unwrap();
        let mut message = vec![];
        for field in [21 + body.len() as i32, 1, 1, 2013, 0] {
            message.extend(field.to_le_bytes());
        }
        message.push(0);
        message.extend(body);
        message
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn all(pool: &Rc<Pool>) -> Vec<Lease> {
        (0..CONNECTIONS_MAX).map(|_| block_on(pool.take()).unwrap()).collect()
    }

    #[test]
    fn a_turn_that_nobody_takes_is_not_lost() {
        for is_sound in [true, false] {
            let pool = pool(usize::MAX);
            let mut leases = all(&pool);
            let mut first = Box::pin(pool.take());
            let mut second = pin!(pool.take());
            assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
            let lease = leases.pop().unwrap();
            if is_sound {
                lease.give_back();
            } else {
                drop(lease);
            }
            drop(first);
            assert!(poll(second.as_mut()).is_ready(), "the turn of the one who left");
            drop(leases);
            assert_eq!((pool.count.get(), pool.idle.borrow().len()), (0, 0));
        }
    }

    #[test]
    fn where_no_more_are_allowed_those_there_are_have_to_do() {
        let pool = pool(2);
        let mut leases = vec![block_on(pool.take()).unwrap(), block_on(pool.take()).unwrap()];
        let mut third = pin!(pool.take());
        assert!(poll(third.as_mut()).is_pending(), "it waits for its turn");
        leases.pop().unwrap().give_back();
        let Poll::Ready(Ok(lease)) = poll(third.as_mut()) else { panic!("it has its turn") };
        lease.give_back();
        assert_eq!((pool.count.get(), pool.limit.get()), (2, 2));
        pool.forget_idle();
        assert_eq!((pool.count.get(), pool.limit.get()), (1, CONNECTIONS_MAX));
    }

    #[test]
    fn where_none_can_be_opened_nobody_waits() {
        let pool = pool(1);
        let lease = block_on(pool.take()).unwrap();
        let (mut first, mut second) = (pin!(pool.take()), pin!(pool.take()));
        assert!(poll(first.as_mut()).is_pending() && poll(second.as_mut()).is_pending());
        drop(lease);
        assert!(matches!(poll(first.as_mut()), Poll::Ready(Err(_))));
        assert!(matches!(poll(second.as_mut()), Poll::Ready(Err(_))));
        assert_eq!(pool.count.get(), 0);
    }
}
