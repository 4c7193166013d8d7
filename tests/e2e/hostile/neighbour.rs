//! Two guests in one process: one attacks, the other answers as before.

use super::scene::{Limits, MAX_HANDLES, Scene};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use strongroom::sandbox::{
    self, Calls, Compiler, Embedded, Engines, Fault, Grants, Network, NetworkGrants, Source, StorageSession, Template,
};
use strongroom::storage::{Answer, Call, Client, DirectoryId, Error, FileId, OpenFlags, StoragePath};
use strongroom_tests::PATIENCE;
use strongroom_tests::attack::Moment;

/// What came of the call in which a guest attacked.
#[derive(Debug)]
pub enum Came {
    Fault(Fault),
    Refused(Error),
    Answered,
}

/// What a neighbour is asked again and again.
const ROUND: &[fn() -> Call<'static>] = &[
    || Call::Stat { path: path("/file"), follow: true },
    || Call::Read { file: FileId(1), offset: 0, length: 100 },
    || Call::RealPath { path: path("/file") },
    || Call::Stat { path: path("/missing"), follow: true },
];

/// Lets the guest of `source` attack beside a neighbour. It has ten times its longest limit, to tell an end from a hang.
pub fn attack(
    scene: &Scene,
    guest: &Path,
    cache: &Path,
    settings: Vec<(String, String)>,
    moment: Moment,
    limits: Limits,
) -> Came {
    let neighbour = Neighbour::start();
    let before = neighbour.wait_for_round();
    let grants = scene.grants(settings);
    let (source, cache) = (Source::File(guest.to_owned()), cache.to_owned());
    let (sender, came) = mpsc::channel();
    let attacker = thread::spawn(move || {
        let grants = grants.open().unwrap();
        let (network, limits) = (Network::none(), sandbox_limits(limits));
        let template =
            Template::load(engines(), &source, Some(cache), &Compiler::Here, grants, network, limits).unwrap();
        sender.send(block_on(attack_once(&template, moment))).unwrap();
    });
    let came = came.recv_timeout(10 * limits.call.max(limits.cpu)).expect("the call ends within its limit");
    attacker.join().unwrap();
    let during = neighbour.rounds();
    let after = neighbour.wait_for_round();
    neighbour.stop();
    println!("{moment:?}: rounds of the neighbour: {} meanwhile, {} afterwards", during - before, after - during);
    came
}

/// One for all tests of this process.
fn engines() -> &'static Engines {
    static ENGINES: OnceLock<Engines> = OnceLock::new();
    ENGINES.get_or_init(Engines::default)
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

fn sandbox_limits(limits: Limits) -> sandbox::Limits {
    sandbox::Limits {
        memory_bytes: limits.memory_bytes,
        table_elements: 100_000,
        core_items: 256,
        resources: 4 * MAX_HANDLES + 256,
        host_call_bytes: 2 << 20,
        call_timeout: limits.call,
        close_timeout: limits.call,
        cpu_time: limits.cpu,
        log_bytes: 64 << 10,
        random_bytes: 64 << 10,
        network: sandbox::NetworkLimits { connections: 4, connects: 100, bytes: 1 << 20, wait: limits.call },
    }
}

fn path(text: &str) -> StoragePath {
    StoragePath::from_normal(text.to_owned()).unwrap()
}

async fn attack_once(template: &Template, moment: Moment) -> Came {
    let running = async {
        let mut instance = template.instantiate().await?;
        instance
            .run(async |calls| {
                let (mut session, _) = match calls.connect(Client::default()).await? {
                    Ok(connected) => connected,
                    Err(error) => return Ok(Some(error)),
                };
                for call in calls_at(moment) {
                    if let Err(error) = ask(calls, &mut session, call).await? {
                        return Ok(Some(error));
                    }
                }
                Ok(None)
            })
            .await
    };
    match running.await {
        Ok(None) => Came::Answered,
        Ok(Some(error)) => Came::Refused(error),
        Err(fault) => Came::Fault(fault),
    }
}

fn calls_at(moment: Moment) -> Vec<Call<'static>> {
    let open = |number, path_text: &str| Call::Open {
        file: FileId(number),
        path: path(path_text),
        flags: OpenFlags::READ,
        permissions: 0,
    };
    let directory = DirectoryId(1);
    match moment {
        Moment::Connect => vec![],
        Moment::Open => vec![open(1, "/hello"), open(2, "/hello")],
        Moment::Read => vec![open(1, "/hello"), Call::Read { file: FileId(1), offset: 0, length: 100 }],
        Moment::List => {
            vec![Call::OpenDirectory { directory, path: path("/") }, Call::ReadDirectory { directory, max: 100 }]
        }
        Moment::Report => vec![open(1, "/report")],
    }
}

async fn ask(
    calls: &Calls<'_>,
    session: &mut StorageSession,
    call: Call<'static>,
) -> Result<Result<Answer, Error>, Fault> {
    let finished = calls.start(session, call).await?;
    Ok(session.settle(finished))
}

/// A well-behaved guest on a thread of its own, which is asked the same again and again.
struct Neighbour {
    rounds: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Neighbour {
    fn start() -> Self {
        let (rounds, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (rounds, is_over) = (Arc::clone(&rounds), Arc::clone(&is_over));
            thread::spawn(move || block_on(answer_as_before(&rounds, &is_over)))
        };
        Self { rounds, is_over, thread }
    }

    fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::SeqCst)
    }

    /// Waits for a round that began after this call.
    fn wait_for_round(&self) -> u64 {
        let wanted = self.rounds() + 2;
        let end = Instant::now() + PATIENCE;
        while self.rounds() < wanted {
            assert!(!self.thread.is_finished(), "the neighbour has ended");
            assert!(Instant::now() < end, "the neighbour answers no more");
            thread::sleep(Duration::from_millis(1));
        }
        self.rounds()
    }

    fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().expect("the neighbour's answers are the same");
    }
}

async fn answer_as_before(rounds: &AtomicU64, is_over: &AtomicBool) {
    let nothing = Grants {
        directories: Vec::new(),
        network: NetworkGrants::default(),
        environment: Vec::new(),
        settings: Vec::new(),
        allow_chown: false,
        allow_setid: false,
    };
    let source = Source::Embedded(Embedded::Memory);
    let limits = sandbox_limits(Limits { call: PATIENCE, cpu: PATIENCE, memory_bytes: 64 << 20 });
    let template =
        Template::load(engines(), &source, None, &Compiler::Here, nothing.open().unwrap(), Network::none(), limits)
            .unwrap();
    let mut instance = template.instantiate().await.unwrap();
    let answered = instance.run(async |calls| {
        let (mut session, _) = calls.connect(Client::default()).await?.unwrap();
        let flags = OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE;
        let open = Call::Open { file: FileId(1), path: path("/file"), flags, permissions: 0o640 };
        ask(calls, &mut session, open).await?.unwrap();
        ask(calls, &mut session, Call::Write { file: FileId(1), offset: 0, data: b"as before" }).await?.unwrap();
        let mut first = None;
        while !is_over.load(Ordering::SeqCst) {
            let mut answers = Vec::new();
            for call in ROUND {
                answers.push(ask(calls, &mut session, call()).await?);
            }
            assert_eq!(answers[1], Ok(Answer::Data(b"as before".to_vec())));
            assert_eq!(&answers, first.get_or_insert_with(|| answers.clone()));
            rounds.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    });
    answered.await.unwrap();
}
