//! Hostile guests: what the client, the operator and a neighbour in the same process see of each attack, and what it
//! costs. Each attack of `tests/guests/hostile` and each text of `tests/guests/text/start` has its test here: without
//! one this does not compile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "hostile/neighbour.rs"]
mod neighbour;
#[path = "hostile/scene.rs"]
mod scene;

use neighbour::Came;
use scene::{Limits, ROOMY, SECRET, Scene, TIGHT};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use strongroom_tests::attack::{Attack, Moment};
use strongroom_tests::client::refused;
use strongroom_tests::core_guest::guest_with;
use strongroom_tests::packet::{code, flag};
use strongroom_tests::start_attack::StartAttack;
use strongroom_tests::{Client, Place, guest};

/// What the process may use beside the guest's memory: the engine, compiled code, buffers.
const BESIDE_BYTES: usize = 32 << 20;

/// What comes of an attack.
struct Row {
    limits: Limits,
    seen: Seen,
    /// In the operator's log, or in the one line if there is no session.
    log: &'static str,
}

/// What the client sees.
enum Seen {
    /// No session.
    Nothing,
    /// A failure, and the session goes on.
    Failure,
    /// An ordinary answer.
    Answer,
    /// The report of many tries, none of which may have succeeded, as the function says.
    Report(fn(&Scene, &str)),
}

const fn row(limits: Limits, seen: Seen, log: &'static str) -> Row {
    Row { limits, seen, log }
}

macro_rules! attacks {
    ($($attack:ident => $test:ident: $limits:expr, $seen:expr, $log:expr;)+) => {
        fn row_of(attack: Attack) -> Row {
            match attack {
                $(Attack::$attack => row($limits, $seen, $log),)+
            }
        }

        $(
            #[test]
            fn $test() {
                assert_held(Attack::$attack);
            }
        )+
    };
}

attacks! {
    Behave => a_guest_that_behaves_is_served: TIGHT, Seen::Answer, "";
    SpinInConnect => spinning_in_connect_is_stopped: TIGHT, Seen::Nothing, "--cpu-timeout";
    SleepInConnect => sleeping_in_connect_is_stopped: TIGHT, Seen::Nothing, "--call-timeout";
    Spin => spinning_is_stopped: TIGHT, Seen::Failure, "--cpu-timeout";
    SpinInTheHost => spinning_in_host_calls_is_stopped: TIGHT, Seen::Failure, "--cpu-timeout";
    Sleep => sleeping_is_stopped: TIGHT, Seen::Failure, "--call-timeout";
    Block => blocking_is_stopped: TIGHT, Seen::Failure, "--call-timeout";
    WaitForItself => waiting_for_itself_is_stopped: TIGHT, Seen::Failure, "--call-timeout";
    Trap => a_trap_is_a_failure: TIGHT, Seen::Failure, "wasm `unreachable` instruction executed";
    GrowToTheLimit => memory_up_to_the_limit_is_its_own: TIGHT, Seen::Answer, "";
    GrowPastTheLimit => memory_past_the_limit_is_refused: TIGHT, Seen::Failure, "--max-memory";
    Recurse => recursion_ends_with_the_stack: TIGHT, Seen::Failure, "wasm trap: out of bounds memory access";
    FloodTheLog => a_flood_of_the_log_is_cut: ROOMY, Seen::Answer, "--max-guest-log";
    LeakDescriptors => leaked_descriptors_are_bounded: ROOMY, Seen::Failure, "handle limit exceeded";
    LeakResources => leaked_resources_are_bounded: ROOMY, Seen::Failure, "handle limit exceeded";
    LeakPollables => leaked_pollables_are_bounded: ROOMY, Seen::Failure, "resource table has no free keys";
    StartAndForget => calls_that_are_never_taken_are_bounded: ROOMY, Seen::Failure, "handle limit exceeded";
    AskForTooMuch => what_the_host_gives_at_once_is_bounded: ROOMY, Seen::Answer, "";
    AskForRandomness => random_bytes_at_once_are_bounded: ROOMY, Seen::Failure, "exceeds limit 65536";
    LongRead => a_byte_too_many_never_reaches_the_client: TIGHT, Seen::Failure, "101 bytes where 100 were asked for";
    HugeRead => a_list_of_a_gibibyte_is_not_taken: HUGE, Seen::Failure, "too much data is being copied";
    SlashName => a_name_with_a_slash_never_reaches_the_client: TIGHT, Seen::Failure, "the guest broke the contract";
    NulName => a_name_with_nul_never_reaches_the_client: TIGHT, Seen::Failure, "the guest broke the contract";
    DotsName => a_name_of_dots_never_reaches_the_client: TIGHT, Seen::Failure, "the guest broke the contract";
    MillionEntries => a_million_entries_are_not_taken: LARGE, Seen::Failure, "too much data is being copied";
    ShareMoreThanAsked => a_native_file_keeps_to_what_the_client_asked_for: TIGHT, Seen::Answer, "";
    ShareTwice => a_native_file_is_handed_over_once: TIGHT, Seen::Failure, "unknown handle";
    ShareMoreThanHeld => a_native_file_has_no_more_rights_than_its_descriptor:
        ROOMY, Seen::Report(nothing_was_shared), "";
    LeaveByPath => no_path_leads_out_of_the_grant: ROOMY, Seen::Report(nothing_was_left), "";
    LeaveByRace => no_link_that_changes_leads_out_of_the_grant: ROOMY, Seen::Report(no_race_was_won), "";
    OpenFifo => a_fifo_hangs_nobody: ROOMY, Seen::Report(no_fifo_was_opened), "";
    CreateForAll => what_wasi_creates_is_its_owners_alone: ROOMY, Seen::Report(what_is_new_is_private), "";
    ChangeReadOnly => a_grant_for_reading_is_for_reading: ROOMY, Seen::Report(nothing_was_changed), "";
    CrossTheGrants => two_grants_are_no_way_to_a_third_place: ROOMY, Seen::Report(nothing_came_from_elsewhere), "";
    ReachTheNetwork => no_network_is_reached: ROOMY, Seen::Report(nothing_was_reached), "";
    ReadTheHost => nothing_of_the_host_is_read: ROOMY, Seen::Report(nothing_was_read), "";
    TimeTheNeighbours => no_clock_is_fine: ROOMY, Seen::Report(clocks_are_coarse), "";
}

/// Enough memory for a list that the host then does not take.
const HUGE: Limits = Limits { memory_bytes: 1200 << 20, ..ROOMY };
const LARGE: Limits = Limits { memory_bytes: 512 << 20, ..ROOMY };

/// Runs an attack twice: in a process of its own, as operators and clients see it, and beside a neighbour.
#[track_caller]
fn assert_held(attack: Attack) {
    let row = row_of(attack);
    let guest = guest("hostile");
    let scene = Scene::new();
    if let Seen::Nothing = row.seen {
        assert_refused(&scene, &guest, &scene.settings(attack.name()), &row);
    } else {
        assert_served(&scene, &guest, attack, &row);
    }
    scene.assert_untouched();

    let scene = Scene::new();
    let came = neighbour::attack(&scene, &guest, cache(), scene.settings(attack.name()), attack.moment(), row.limits);
    assert_came(&row, &came);
    scene.assert_untouched();
}

fn assert_served(scene: &Scene, guest: &Path, attack: Attack, row: &Row) {
    let mut client = scene.program(guest, cache(), &scene.settings(attack.name()), row.limits).connect();
    let flipper = (attack == Attack::LeaveByRace).then(|| Flipper::start(scene));
    let answer = at(&mut client, attack.moment());
    let flips = flipper.map(Flipper::stop);
    match (&row.seen, answer) {
        (Seen::Failure, Err(code)) => assert_eq!(code, code::FAILURE),
        (Seen::Answer, Ok(_)) => {}
        (Seen::Report(check), Ok(report)) => {
            let report = String::from_utf8(report).unwrap();
            println!("{report}");
            assert!(!report.contains(SECRET), "{report}");
            check(scene, &report);
        }
        (_, answer) => panic!("{attack:?}: {answer:?}: {}", scene.log()),
    }
    // The session goes on.
    assert_eq!(client.realpath("/hello").unwrap(), b"/hello");
    let peak = peak_memory(client.process().id());
    println!("{attack:?}: {} KiB at most, flips: {flips:?}", peak >> 10);
    assert!(peak < row.limits.memory_bytes + BESIDE_BYTES, "{peak} bytes");
    assert!(client.finish().0.success(), "{}", scene.log());
    let log = scene.log();
    println!("{log}");
    assert!(log.contains(row.log), "{:?} is not in\n{log}", row.log);
    assert_eq!(log.contains("its open files are lost"), matches!(row.seen, Seen::Failure), "{log}");
    assert!(log.len() < 200_000, "{} bytes of log", log.len());
}

/// No session comes about, and one line says why.
fn assert_refused(scene: &Scene, guest: &Path, settings: &[(String, String)], row: &Row) {
    let outcome = scene.program(guest, cache(), settings, row.limits).run();
    assert_eq!(outcome.code(), Some(1), "{}", outcome.all());
    assert!(outcome.one_line().contains(row.log), "{}", outcome.stderr);
    assert_eq!(outcome.text(), "");
}

#[track_caller]
fn assert_came(row: &Row, came: &Came) {
    match (&row.seen, came) {
        (Seen::Nothing | Seen::Failure, Came::Fault(fault)) => {
            let text = fault.to_string();
            // What the limit of memory has to do with it is told by the session.
            assert!(text.contains(row.log) || row.log == "--max-memory", "{text}");
        }
        (Seen::Answer | Seen::Report(_), Came::Answered) => {}
        (_, Came::Refused(error)) => panic!("{error:?}"),
        (_, came) => panic!("{came:?}"),
    }
}

/// What the client sees of an attack: bytes, or the code of the refusal.
fn at(client: &mut Client, moment: Moment) -> Result<Vec<u8>, u32> {
    let answer = match moment {
        Moment::Connect => Ok(Vec::new()),
        Moment::Open => client.open("/hello", flag::READ, None).and_then(|first| {
            let second = client.open("/hello", flag::READ, None)?;
            assert_eq!(refused(client.write(&first, 0, b"pecked")), code::NO_SUCH_FILE);
            client.read(&second, 0, 100)
        }),
        Moment::Read => client.open("/hello", flag::READ, None).and_then(|handle| client.read(&handle, 0, 100)),
        Moment::List => {
            let listed = client.opendir("/").and_then(|handle| client.readdir(&handle));
            listed.map(|entries| format!("{entries:?}").into_bytes())
        }
        Moment::Report => client.get("/report"),
    };
    answer.map_err(|status| status.code)
}

/// The most that a process has had in memory so far.
fn peak_memory(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().trim().parse::<usize>().unwrap() << 10
}

/// The compiled guest for all tests of this process, so that no peak is the compiler's.
fn cache() -> &'static Path {
    static CACHE: OnceLock<(Place, PathBuf)> = OnceLock::new();
    &CACHE
        .get_or_init(|| {
            let scene = Scene::new();
            let cache = scene.place.cache();
            let settings = scene.settings(Attack::Behave.name());
            let client = scene.program(&guest("hostile"), &cache, &settings, ROOMY).connect();
            assert!(client.finish().0.success());
            (scene.place, cache)
        })
        .1
}

/// Changes a link between inside and outside as fast as it can.
struct Flipper {
    is_over: std::sync::Arc<AtomicBool>,
    thread: thread::JoinHandle<u64>,
}

impl Flipper {
    fn start(scene: &Scene) -> Self {
        let (link, next, outside) = (scene.granted("flipping"), scene.place.path("next"), scene.place.path("outside"));
        let is_over = std::sync::Arc::new(AtomicBool::new(false));
        let thread = {
            let is_over = std::sync::Arc::clone(&is_over);
            thread::spawn(move || {
                let mut flips = 0;
                while !is_over.load(Ordering::Relaxed) {
                    for target in [&outside, Path::new("../outside"), Path::new("inside")] {
                        symlink(target, &next).unwrap();
                        fs::rename(&next, &link).unwrap();
                        flips += 1;
                    }
                }
                flips
            })
        };
        Self { is_over, thread }
    }

    fn stop(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The answer to one try of a report.
#[track_caller]
fn answer<'a>(report: &'a str, tried: &str) -> &'a str {
    let found = report.lines().find_map(|line| line.strip_prefix(tried)?.strip_prefix(": "));
    found.unwrap_or_else(|| panic!("{tried} is not in\n{report}"))
}

fn number(report: &str, tried: &str) -> u64 {
    answer(report, tried).parse().unwrap()
}

fn nothing_was_shared(_: &Scene, report: &str) {
    let shared: Vec<&str> = report.lines().filter(|line| line.starts_with("share ")).collect();
    assert_eq!(shared.len(), 5, "{report}");
    assert!(!shared.iter().any(|line| line.ends_with(": ok")), "{report}");
}

fn nothing_was_left(scene: &Scene, report: &str) {
    let outside = scene.place.path("outside");
    for path in [
        "..",
        "../outside/canary",
        "inside/../../outside/canary",
        "/etc/passwd",
        &format!("{}/canary", outside.display()),
        "leaves/canary",
        "leaves-absolute/canary",
    ] {
        for operation in ["read", "write", "create", "stat", "set-times", "link", "rename", "remove"] {
            let answered = answer(report, &format!("wasi {operation} {path:?}"));
            assert_ne!(answered, "ok", "{operation} {path}: {report}");
        }
        for operation in ["read", "write", "truncate", "create", "set-times", "link", "rename", "rename to", "remove"] {
            let answered = answer(report, &format!("wasi3 {operation} {path:?}"));
            assert_ne!(answered, "ok", "{operation} {path}: {report}");
        }
    }
    for path in ["leaves-by-proc/canary", "leaves-to-canary/", "leaves/"] {
        for operation in
            ["wasi stat", "wasi metadata-hash", "wasi write", "wasi3 write", "wasi3 truncate", "posix write"]
        {
            let answered = answer(report, &format!("{operation} {path:?}"));
            assert_ne!(answered, "ok", "{operation} {path}: {report}");
        }
    }
    for operation in ["wasi read", "wasi write", "wasi create", "posix read", "posix write", "posix set-size"] {
        assert_ne!(answer(report, &format!("{operation} \"leaves-to-canary\"")), "ok", "{operation}: {report}");
    }
    assert_eq!(answer(report, "wasi read \"../outside/canary\""), "not-permitted");
    assert_eq!(answer(report, "wasi read \"leaves/canary\""), "not-permitted");
    assert_eq!(answer(report, "wasi3 write \"leaves/canary\""), "ErrorCode::NotPermitted");
    assert_eq!(answer(report, "posix read \"../outside/canary\""), "no-entry");
    assert_eq!(answer(report, "posix read \"leaves/canary\""), "no-entry");
    assert_eq!(answer(report, "posix read \"/etc/passwd\""), "invalid");
    assert_eq!(answer(report, "posix read \"file/\""), "not-directory");
}

fn no_race_was_won(_: &Scene, report: &str) {
    let (inside, refused) = (number(report, "inside"), number(report, "refused"));
    assert_eq!(inside + refused, 20_000, "{report}");
    assert!(inside > 0 && refused > 0, "the link did not change: {report}");
}

fn no_fifo_was_opened(_: &Scene, report: &str) {
    for line in report.lines().filter(|line| !line.contains("set-times") && !line.contains("set-permissions")) {
        assert!(!line.ends_with(": ok"), "{line}");
    }
}

fn what_is_new_is_private(scene: &Scene, report: &str) {
    assert!(report.lines().all(|line| line.ends_with(": ok")), "{report}");
    for (name, bits) in [("file", 0o600), ("file-3", 0o600), ("directory", 0o700), ("directory-3", 0o700)] {
        let found = fs::metadata(scene.granted(&format!("new-{name}"))).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, bits, "{name}");
    }
}

fn nothing_was_changed(scene: &Scene, report: &str) {
    for changes in ["write", "truncate", "append", "create", "set-", "make-", "symlink", "link", "rename", "remove"] {
        let lines = report.lines().filter(|line| line.contains(changes) && !line.contains("read-link"));
        let done: Vec<&str> = lines.filter(|line| line.ends_with(": ok")).collect();
        assert!(done.is_empty(), "{done:?}");
    }
    assert!(report.contains("read-only"), "{report}");
    assert_eq!(fs::read_to_string(scene.granted("file")).unwrap(), "own");
    assert!(!scene.granted("stolen").exists());
}

/// What was granted came, with what was in it, and nothing else.
fn nothing_came_from_elsewhere(scene: &Scene, report: &str) {
    const WAYS: [&str; 6] = ["posix link", "posix rename", "wasi link", "wasi rename", "wasi3 link", "wasi3 rename"];
    for (moved, own) in
        [("\"file\" of / to \"new\" of /shared", "own"), ("\"file\" of /shared to \"new\" of /", "shared")]
    {
        for way in WAYS {
            assert_eq!(answer(report, &format!("{way} {moved}")), "ok", "{report}");
            assert_eq!(answer(report, &format!("{way} {moved} then the new name holds")), own, "{report}");
            let old = report.contains(&format!("{way} {moved} then the old name holds: {own}\n"));
            assert_eq!(old, way.ends_with("link"), "{way} {moved}: {report}");
        }
    }
    let is_granted =
        |what: &str| what.contains(" \"file\" of / to \"new\"") || what.contains(" \"file\" of /shared to \"new\"");
    // A link that leaves is a name as others are, and still leads nowhere.
    let is_link = |what: &str| what.contains(" \"leaves-to-canary\" of ");
    let mut refused = 0;
    for line in report.lines().filter(|line| !is_granted(line)) {
        let is_told = line.contains(" then the new name holds: ");
        assert!(!is_told, "{line}");
        if !is_link(line) && !line.contains(" then the old name holds: ") {
            assert!(!line.ends_with(": ok"), "{line}");
            refused += 1;
        }
    }
    assert_eq!(refused, 18 * WAYS.len(), "{report}");
    assert_eq!(fs::read_to_string(scene.granted("file")).unwrap(), "own");
    assert_eq!(fs::read_to_string(scene.shared("file")).unwrap(), "shared");
    for path in [scene.granted("file"), scene.shared("file")] {
        assert_eq!(fs::metadata(&path).unwrap().nlink(), 1, "{}", path.display());
    }
    assert!(!scene.granted("new").exists() && !scene.shared("new").exists());
}

fn nothing_was_reached(_: &Scene, report: &str) {
    assert!(report.lines().count() >= 16, "{report}");
    assert!(!report.lines().any(|line| line.ends_with(": ok")), "{report}");
    for whom in ["the loopback", "a private address", "the metadata address"] {
        assert_eq!(answer(report, &format!("connect to {whom}")), "access-denied");
    }
}

fn nothing_was_read(_: &Scene, report: &str) {
    assert_eq!(answer(report, "arguments"), "[]");
    assert_eq!(answer(report, "environment"), "[]");
    assert_eq!(answer(report, "working directory"), "None");
}

fn clocks_are_coarse(_: &Scene, report: &str) {
    assert_eq!(report.lines().count(), 8, "{report}");
    for line in report.lines() {
        let nanoseconds: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(nanoseconds >= 1_000_000, "{line}");
    }
}

macro_rules! starts {
    ($($attack:ident => $test:ident: $log:expr;)+) => {
        fn log_of(attack: StartAttack) -> &'static str {
            match attack {
                $(StartAttack::$attack => $log,)+
            }
        }

        $(
            #[test]
            fn $test() {
                assert_not_started(StartAttack::$attack);
            }
        )+
    };
}

starts! {
    Spin => a_guest_that_spins_before_it_begins_is_stopped: "--cpu-timeout";
    Recurse => a_guest_that_recurses_before_it_begins_is_stopped: "call stack exhausted";
    GrowMemory => a_guest_that_begins_with_all_memory_is_stopped: "--max-memory";
    HugeMemory => a_guest_that_begins_with_four_gibibytes_is_stopped: "--max-memory";
    GrowTable => a_table_that_grows_is_bounded: "could not be instantiated";
    HugeTable => a_table_that_is_large_from_the_start_is_refused: "could not be instantiated";
    ManyTables => tables_count_as_memory: "--max-memory";
}

#[track_caller]
fn assert_not_started(attack: StartAttack) {
    let row = row(TIGHT, Seen::Nothing, log_of(attack));
    let scene = Scene::new();
    let guest = guest_with(&scene.place, "start", attack.text());
    assert_refused(&scene, &guest, &[], &row);
    let came = neighbour::attack(&scene, &guest, &scene.place.cache(), vec![], Moment::Connect, row.limits);
    assert_came(&row, &came);
    scene.assert_untouched();
}
