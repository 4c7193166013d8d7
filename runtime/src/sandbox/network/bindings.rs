//! WASI's sockets as wasmtime sees them, generated from `runtime/wit`. Stays inside this room.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "strongroom:network/network",
    imports: {
        "wasi:sockets/types.[method]tcp-socket.listen": store | trappable,
        "wasi:sockets/types.[method]tcp-socket.send": store | trappable,
        "wasi:sockets/types.[method]tcp-socket.receive": store | trappable,
        default: trappable,
    },
    with: {
        "wasi:clocks": wasmtime_wasi::p3::bindings::clocks,
        "wasi:sockets/types.tcp-socket": super::tcp::TcpSocket,
        "wasi:sockets/types.udp-socket": super::udp::UdpSocket,
    },
});

pub use wasi::sockets::{ip_name_lookup, types};
