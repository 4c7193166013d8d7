//! What a guest may import. An import is no grant: each call that no grant covers is denied. Only what a component
//! asks for is linked, because linking all of WASI takes longer than starting a guest.

use super::Engine;
use super::bindings::{native, posix, posix_at_once, types};
use super::config::Calling;
use super::network;
use super::posix::{wasi, wasi_at_once};
use super::state::State;
use wasmtime::component::{Component, HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings as p2;
use wasmtime_wasi::p3;
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};

type Link = fn(&mut Linker<State>) -> wasmtime::Result<()>;

/// Interfaces on offer: a prefix of the import's name and what links it. WASI's versions are compatible within 0.2
/// and within 0.3; the contract's must be the very one.
const INTERFACES: &[(&str, Link)] = &[
    ("strongroom:storage/types@0.1.0", |l| types::add_to_linker::<_, HasSelf<State>>(l, |state| state)),
    ("strongroom:storage/native@0.1.0", |l| native::add_to_linker::<_, HasSelf<State>>(l, |state| state)),
    ("strongroom:storage/posix@0.1.0", |l| posix::add_to_linker::<_, HasSelf<State>>(l, |state| state)),
    ("strongroom:storage/posix-at-once@0.1.0", |l| posix_at_once::add_to_linker::<_, HasSelf<State>>(l, |state| state)),
    ("wasi:io/error@0.2.", |l| p2::io::error::add_to_linker::<_, Table>(l, |state| &mut state.table)),
    ("wasi:io/poll@0.2.", |l| p2::io::poll::add_to_linker::<_, Table>(l, |state| &mut state.table)),
    ("wasi:io/streams@0.2.", |l| p2::io::streams::add_to_linker::<_, Table>(l, |state| &mut state.table)),
    ("wasi:clocks/wall-clock@0.2.", |l| p2::clocks::wall_clock::add_to_linker::<_, WasiClocks>(l, State::clocks)),
    ("wasi:clocks/monotonic-clock@0.2.", |l| {
        p2::clocks::monotonic_clock::add_to_linker::<_, WasiClocks>(l, State::clocks)
    }),
    ("wasi:filesystem/types@0.2.", |l| {
        p2::filesystem::types::add_to_linker::<_, WasiFilesystem>(l, State::filesystem)?;
        wasi::replace_p2(l)
    }),
    ("wasi:filesystem/preopens@0.2.", |l| {
        p2::filesystem::preopens::add_to_linker::<_, WasiFilesystem>(l, State::filesystem)
    }),
    ("wasi:random/random@0.2.", |l| p2::random::random::add_to_linker::<_, WasiRandom>(l, State::random)),
    ("wasi:random/insecure@0.2.", |l| p2::random::insecure::add_to_linker::<_, WasiRandom>(l, State::random)),
    ("wasi:random/insecure-seed@0.2.", |l| p2::random::insecure_seed::add_to_linker::<_, WasiRandom>(l, State::random)),
    ("wasi:cli/environment@0.2.", |l| p2::cli::environment::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/exit@0.2.", |l| p2::cli::exit::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/stdin@0.2.", |l| p2::cli::stdin::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/stdout@0.2.", |l| p2::cli::stdout::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/stderr@0.2.", |l| p2::cli::stderr::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/terminal-input@0.2.", |l| p2::cli::terminal_input::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/terminal-output@0.2.", |l| p2::cli::terminal_output::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/terminal-stdin@0.2.", |l| p2::cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/terminal-stdout@0.2.", |l| p2::cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:cli/terminal-stderr@0.2.", |l| p2::cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, State::cli)),
    ("wasi:sockets/network@0.2.", |l| {
        let options = p2::sockets::network::LinkOptions::default();
        p2::sockets::network::add_to_linker::<_, WasiSockets>(l, &options, State::sockets)
    }),
    ("wasi:sockets/instance-network@0.2.", |l| {
        p2::sockets::instance_network::add_to_linker::<_, WasiSockets>(l, State::sockets)
    }),
    ("wasi:sockets/tcp@0.2.", |l| p2::sockets::tcp::add_to_linker::<_, WasiSockets>(l, State::sockets)),
    ("wasi:sockets/tcp-create-socket@0.2.", |l| {
        p2::sockets::tcp_create_socket::add_to_linker::<_, WasiSockets>(l, State::sockets)
    }),
    ("wasi:sockets/udp@0.2.", |l| p2::sockets::udp::add_to_linker::<_, WasiSockets>(l, State::sockets)),
    ("wasi:sockets/udp-create-socket@0.2.", |l| {
        p2::sockets::udp_create_socket::add_to_linker::<_, WasiSockets>(l, State::sockets)
    }),
    ("wasi:sockets/ip-name-lookup@0.2.", |l| {
        p2::sockets::ip_name_lookup::add_to_linker::<_, WasiSockets>(l, State::sockets)
    }),
    ("wasi:cli/*@0.3.", p3::cli::add_to_linker),
    ("wasi:clocks/*@0.3.", p3::clocks::add_to_linker),
    ("wasi:filesystem/*@0.3.", |l| {
        p3::filesystem::add_to_linker(l)?;
        wasi::replace_p3(l)
    }),
    ("wasi:random/*@0.3.", p3::random::add_to_linker),
    ("wasi:sockets/*@0.3.", network::add_to_linker),
    (TLS, wasmtime_wasi_tls::p3::add_to_linker),
];

/// A draft of WASI's, and much code, so that it is there for those alone whose guests may connect to something.
const TLS: &str = "wasi:tls/*@0.3.";

/// WASI's resource table as its `io` package wants it.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// What takes the place of calls that might wait, for guests that never do: all of wasmtime's that `waiting` lists and that
/// are asynchronous. If one is missing here, an instance of such a guest is refused, or the call given up.
const AT_ONCE: &[(&str, Link)] = &[
    ("wasi:filesystem/types@0.2.", wasi_at_once::replace_files),
    ("wasi:io/poll@0.2.", wasi_at_once::replace_poll),
    ("wasi:io/streams@0.2.", wasi_at_once::replace_streams),
];

/// A linker with all that `component` imports and this host offers with or without a grant for the network, in the form
/// for the engine's way of calling.
pub fn linker(engine: &Engine, component: &Component, has_network: bool) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.inner());
    let imports = imports(engine, component);
    for (offer, link) in INTERFACES {
        if (has_network || *offer != TLS) && imports.iter().any(|import| is_match(offer, import)) {
            link(&mut linker)?;
        }
    }
    if engine.calling() == Calling::AtOnce {
        for (offer, replace) in AT_ONCE {
            if imports.iter().any(|import| is_match(offer, import)) {
                replace(&mut linker)?;
            }
        }
    }
    Ok(linker)
}

/// Whether `component` is one that speaks TLS.
pub fn imports_tls(engine: &Engine, component: &Component) -> bool {
    imports(engine, component).iter().any(|import| is_match(TLS, import))
}

/// The first import that this host does not offer.
pub fn unknown_import(engine: &Engine, component: &Component) -> Option<String> {
    imports(engine, component).into_iter().find(|import| !INTERFACES.iter().any(|(offer, _)| is_match(offer, import)))
}

fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    component.component_type().imports(engine.inner()).map(|(import, _)| import.to_owned()).collect()
}

/// `*` in an offer stands for any interface of the package.
fn is_match(offer: &str, import: &str) -> bool {
    match offer.split_once('*') {
        None => import.starts_with(offer),
        Some((package, version)) => import.strip_prefix(package).is_some_and(|rest| {
            rest.split_once('@')
                .is_some_and(|(_, found)| version.strip_prefix('@').is_some_and(|v| found.starts_with(v)))
        }),
    }
}
