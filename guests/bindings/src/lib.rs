//! The storage contract in Rust, as `wit-bindgen` writes it from `wit/`, and the little that every storage needs
//! beside it: errors from codes and from the system's, attributes and times.
//!
//! What a guest does not use of this it does not import: the linker leaves it out. Storages are written with
//! `strongroom-guest`, which shows what is here and hides the rest.

#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", not(target_arch = "wasm32")))]
extern crate std;

mod attributes;
mod errors;
mod timestamp;

pub use generated::export;
pub use generated::exports::strongroom::storage::{copying, storage};
pub use generated::strongroom::storage::{native, posix_at_once as posix, types};
pub use wasip2::filesystem;

#[doc(hidden)]
#[allow(missing_docs, reason = "generated; the documentation is in wit/")]
pub mod generated {
    wit_bindgen::generate!({
        inline: "
            package strongroom:guests;

            world guest {
                include strongroom:storage/posix-at-once-guest@0.1.0;
                include strongroom:storage/copying-guest@0.1.0;
            }
        ",
        path: "../../wit",
        with: {
            "wasi:clocks/wall-clock@0.2.12": wasip2::clocks::wall_clock,
            "wasi:filesystem/preopens@0.2.12": wasip2::filesystem::preopens,
            "wasi:filesystem/types@0.2.12": wasip2::filesystem::types,
            "wasi:io/error@0.2.12": wasip2::io::error,
            "wasi:io/poll@0.2.12": wasip2::io::poll,
            "wasi:io/streams@0.2.12": wasip2::io::streams,
        },
        additional_derives: [PartialEq, Eq],
        additional_derives_ignore: ["connected", "opened", "opened-file"],
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "strongroom_bindings::generated",
    });
}
