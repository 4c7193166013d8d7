//! The exports of the contract once more, for storages that never wait: functions and no tasks. They share the types of
//! `strongroom_bindings`, and are in a crate of their own because the macros that `wit-bindgen` writes beside them would
//! have the names of its.

#![no_std]
#![allow(missing_docs, reason = "generated; the documentation is in wit/")]

extern crate alloc;

wit_bindgen::generate!({
    inline: "
        package strongroom:guests-at-once;

        world guest {
            include strongroom:storage/posix-at-once-guest@0.1.0;
            include strongroom:storage/copying-guest@0.1.0;
        }
    ",
    path: "../../wit",
    with: {
        "strongroom:storage/native@0.1.0": strongroom_bindings::native,
        "strongroom:storage/posix-at-once@0.1.0": strongroom_bindings::posix,
        "strongroom:storage/types@0.1.0": strongroom_bindings::types,
        "wasi:clocks/wall-clock@0.2.12": wasip2::clocks::wall_clock,
        "wasi:filesystem/preopens@0.2.12": wasip2::filesystem::preopens,
        "wasi:filesystem/types@0.2.12": wasip2::filesystem::types,
        "wasi:io/error@0.2.12": wasip2::io::error,
        "wasi:io/poll@0.2.12": wasip2::io::poll,
        "wasi:io/streams@0.2.12": wasip2::io::streams,
    },
    sync: ["all"],
    pub_export_macro: true,
    default_bindings_module: "strongroom_bindings_at_once",
});
