//! What lies outside of the sandbox: the network, the host's own process, and the time.

use crate::report::Report;
use crate::wasi3;
use wasip2::cli::environment;
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

/// Steps of a clock that are looked at.
const STEPS: usize = 20;

pub(crate) fn reach_the_network(port: &str) -> Report {
    let mut report = Report::default();
    let port: u16 = port.parse().unwrap_or(80);
    for (what, address) in [
        ("the loopback", (127, 0, 0, 1)),
        ("a private address", (10, 0, 0, 1)),
        ("the metadata address", (169, 254, 169, 254)),
        ("any address", (0, 0, 0, 0)),
    ] {
        let address = IpSocketAddress::Ipv4(Ipv4SocketAddress { address, port });
        report.line(format_args!("connect to {what}"), name(connect(IpAddressFamily::Ipv4, address)));
        report.line(format_args!("listen at {what}"), name(listen(IpAddressFamily::Ipv4, address)));
        report.line(format_args!("send to {what}"), name(send(IpAddressFamily::Ipv4, address)));
    }
    let address = (0, 0, 0, 0, 0, 0, 0, 1);
    let loopback = IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 });
    report.line("connect to the loopback of IPv6", name(connect(IpAddressFamily::Ipv6, loopback)));
    for host in ["localhost", "metadata.google.internal", "127.0.0.1"] {
        report.line(format_args!("look up {host}"), name(look_up(host)));
    }
    report
}

fn name(answer: Result<(), ErrorCode>) -> &'static str {
    match answer {
        Ok(()) => "ok",
        Err(code) => code.name(),
    }
}

fn connect(family: IpAddressFamily, address: IpSocketAddress) -> Result<(), ErrorCode> {
    let socket = create_tcp_socket(family)?;
    socket.start_connect(&instance_network(), address)?;
    loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            result => return result.map(|_| ()),
        }
    }
}

fn listen(family: IpAddressFamily, address: IpSocketAddress) -> Result<(), ErrorCode> {
    let socket = create_tcp_socket(family)?;
    socket.start_bind(&instance_network(), address)?;
    socket.finish_bind()?;
    socket.start_listen()?;
    socket.finish_listen()
}

fn send(family: IpAddressFamily, address: IpSocketAddress) -> Result<(), ErrorCode> {
    let socket = create_udp_socket(family)?;
    let any = IpSocketAddress::Ipv4(Ipv4SocketAddress { address: (0, 0, 0, 0), port: 0 });
    socket.start_bind(&instance_network(), any)?;
    socket.finish_bind()?;
    let (_, outgoing) = socket.stream(Some(address))?;
    outgoing.check_send()?;
    outgoing.send(&[]).map(|_| ())
}

fn look_up(host: &str) -> Result<(), ErrorCode> {
    let found = resolve_addresses(&instance_network(), host)?;
    loop {
        match found.resolve_next_address() {
            Err(ErrorCode::WouldBlock) => found.subscribe().block(),
            Ok(Some(_)) => return Ok(()),
            Ok(None) => return Err(ErrorCode::NameUnresolvable),
            Err(code) => return Err(code),
        }
    }
}

pub(crate) fn read_the_host() -> Report {
    let mut report = Report::default();
    report.line("arguments", format_args!("{:?}", environment::get_arguments()));
    report.line("environment", format_args!("{:?}", environment::get_environment()));
    report.line("working directory", format_args!("{:?}", environment::initial_cwd()));
    report
}

/// The finest step of each clock, in nanoseconds, and what it says of itself.
pub(crate) fn time_the_neighbours() -> Report {
    let mut report = Report::default();
    let seconds = |seconds: u64, nanoseconds: u32| seconds * 1_000_000_000 + u64::from(nanoseconds);
    let wall = || {
        let now = wall_clock::now();
        seconds(now.seconds, now.nanoseconds)
    };
    let system = || {
        let now = wasi3::system_clock::now();
        seconds(now.seconds.unsigned_abs(), now.nanoseconds)
    };
    report.line("wall-clock 0.2", step(wall));
    report.line("monotonic-clock 0.2", step(monotonic_clock::now));
    report.line("system-clock 0.3", step(system));
    report.line("monotonic-clock 0.3", step(wasi3::monotonic_clock::now));
    let resolution = wall_clock::resolution();
    report.line("wall-clock 0.2 resolution", seconds(resolution.seconds, resolution.nanoseconds));
    report.line("monotonic-clock 0.2 resolution", monotonic_clock::resolution());
    report.line("system-clock 0.3 resolution", wasi3::system_clock::get_resolution());
    report.line("monotonic-clock 0.3 resolution", wasi3::monotonic_clock::get_resolution());
    report
}

fn step(now: impl Fn() -> u64) -> u64 {
    let mut finest = u64::MAX;
    let mut last = now();
    for _ in 0..STEPS {
        let mut next = now();
        while next == last {
            next = now();
        }
        finest = finest.min(next.abs_diff(last));
        last = next;
    }
    finest
}
