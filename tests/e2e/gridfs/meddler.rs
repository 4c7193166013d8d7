//! Somebody between a session and its server: sees each message, and lets it through, drops it with its connection, or holds
//! it back. MongoDB's messages begin with their length, their id, and the id of what they answer, little endian.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// It never reaches the server, and its connection breaks.
    Lost,
    /// It is done, nobody hears of it, and its connection breaks.
    Unanswered,
}

/// Told of each command by its number; when it is told of a fate, that has come true.
type Plan = dyn Fn(u64) -> Fate + Send + Sync;
type Happened = dyn Fn() + Send + Sync;

/// No command for so long, and the session waits for answers.
const QUIET: Duration = Duration::from_millis(400);

pub struct Meddler {
    port: u16,
    state: Arc<State>,
}

struct State {
    server: String,
    is_armed: AtomicBool,
    seen: AtomicU64,
    plan: Mutex<(Arc<Plan>, Arc<Happened>)>,
    is_holding: AtomicBool,
    held: Mutex<Vec<(TcpStream, Vec<u8>)>>,
    last_command: Mutex<Instant>,
    waves: AtomicU64,
}

impl Meddler {
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            server: server.to_owned(),
            is_armed: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            plan: Mutex::new((Arc::new(|_| Fate::Pass), Arc::new(|| ()))),
            is_holding: AtomicBool::new(false),
            held: Mutex::new(Vec::new()),
            last_command: Mutex::new(Instant::now()),
            waves: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for session in listener.incoming() {
                // Where the server is gone the session's connection is closed, too.
                let (session, Ok(server)) = (session.unwrap(), TcpStream::connect(&shared.server)) else { continue };
                serve(&shared, session, server);
            }
        });
        Self { port, state }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on each command has the fate of its number, from 0; `happened` is called when one other than
    /// [`Fate::Pass`] has come true.
    pub fn arm(&self, plan: impl Fn(u64) -> Fate + Send + Sync + 'static, happened: impl Fn() + Send + Sync + 'static) {
        *self.state.plan.lock().unwrap() = (Arc::new(plan), Arc::new(happened));
        self.state.seen.store(0, Ordering::SeqCst);
        self.state.is_armed.store(true, Ordering::SeqCst);
    }

    /// Lets everything pass again, and tells how many commands there were.
    pub fn disarm(&self) -> u64 {
        self.state.is_armed.store(false, Ordering::SeqCst);
        self.state.seen.load(Ordering::SeqCst)
    }

    /// Holds answers from now on, and lets all go that are there whenever no command came for a while.
    pub fn hold(&self) {
        self.state.is_holding.store(true, Ordering::SeqCst);
        let state = Arc::clone(&self.state);
        thread::spawn(move || {
            while state.is_holding.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(10));
                let is_quiet = state.last_command.lock().unwrap().elapsed() > QUIET;
                let held = if is_quiet { std::mem::take(&mut *state.held.lock().unwrap()) } else { Vec::new() };
                if !held.is_empty() {
                    state.waves.fetch_add(1, Ordering::SeqCst);
                    *state.last_command.lock().unwrap() = Instant::now();
                    send_all(held);
                }
            }
            send_all(std::mem::take(&mut *state.held.lock().unwrap()));
        });
    }

    /// Holds no more, and tells in how many waves answers were let go.
    pub fn release(&self) -> u64 {
        self.state.is_holding.store(false, Ordering::SeqCst);
        self.state.waves.load(Ordering::SeqCst)
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.release();
    }
}

fn send_all(messages: Vec<(TcpStream, Vec<u8>)>) {
    for (mut session, message) in messages {
        // A session that is gone takes nothing more.
        let _ = session.write_all(&message);
    }
}

/// Two threads, which end with the connections.
fn serve(state: &Arc<State>, session: TcpStream, server: TcpStream) {
    let unanswered = Arc::new(Mutex::new(HashSet::new()));
    for socket in [&session, &server] {
        socket.set_nodelay(true).unwrap();
    }
    let commands =
        (Arc::clone(state), session.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&unanswered));
    let answers = (Arc::clone(state), session, server, unanswered);
    thread::spawn(move || {
        let (state, mut session, mut server, unanswered) = commands;
        while let Some(message) = read_message(&mut session) {
            *state.last_command.lock().unwrap() = Instant::now();
            match state.fate() {
                Fate::Pass => {}
                Fate::Lost => {
                    state.happened();
                    break;
                }
                Fate::Unanswered => {
                    unanswered.lock().unwrap().insert(word(&message, 4));
                }
            }
            if server.write_all(&message).is_err() {
                break;
            }
        }
        shut(&session, &server);
    });
    thread::spawn(move || {
        let (state, mut session, mut server, unanswered) = answers;
        while let Some(message) = read_message(&mut server) {
            if unanswered.lock().unwrap().remove(&word(&message, 8)) {
                state.happened();
                break;
            }
            if state.is_holding.load(Ordering::SeqCst) {
                state.held.lock().unwrap().push((session.try_clone().unwrap(), message));
            } else if session.write_all(&message).is_err() {
                break;
            }
        }
        shut(&session, &server);
    });
}

impl State {
    fn fate(&self) -> Fate {
        if !self.is_armed.load(Ordering::SeqCst) {
            return Fate::Pass;
        }
        let number = self.seen.fetch_add(1, Ordering::SeqCst);
        let plan = Arc::clone(&self.plan.lock().unwrap().0);
        plan(number)
    }

    fn happened(&self) {
        let happened = Arc::clone(&self.plan.lock().unwrap().1);
        happened();
    }
}

fn shut(session: &TcpStream, server: &TcpStream) {
    for socket in [session, server] {
        // It may be closed already.
        let _ = socket.shutdown(Shutdown::Both);
    }
}

fn word(message: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(message[offset..offset + 4].try_into().unwrap())
}

fn read_message(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 16];
    socket.read_exact(&mut head).ok()?;
    let length = word(&head, 0) as usize;
    assert!((16..=48_000_000).contains(&length), "a message of {length} bytes");
    let mut message = vec![0; length];
    message[..16].copy_from_slice(&head);
    socket.read_exact(&mut message[16..]).ok()?;
    Some(message)
}
