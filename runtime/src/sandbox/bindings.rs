//! The contract as wasmtime sees it, generated from `wit/`. Stays inside this room.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package strongroom:host;

        world host {
            import strongroom:storage/native@0.1.0;
            import strongroom:storage/posix@0.1.0;
            import strongroom:storage/posix-at-once@0.1.0;
            export strongroom:storage/storage@0.1.0;
            export strongroom:storage/copying@0.1.0;
        }
    ",
    world: "strongroom:host/host",
    imports: { default: trappable },
    with: {
        "strongroom:storage/native.native-file": crate::sandbox::NativeFile,
        "strongroom:storage/posix.listing": super::posix::Listing,
        "strongroom:storage/posix-at-once.listing": super::posix::Listing,
        "wasi:filesystem": wasmtime_wasi::p2::bindings::filesystem,
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
    },
});

pub use exports::strongroom::storage::{copying, storage};
pub use strongroom::storage::{native, posix, posix_at_once, types};
