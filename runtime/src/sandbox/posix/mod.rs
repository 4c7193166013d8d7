//! Host side of the contract's `posix`: paths beneath a granted directory, resolved as in a chroot, in one step.
//!
//! `host` joins the contract to the functions of the other files, which know descriptors, paths and errno but no
//! guest: `resolve` finds a path, `paths` acts on it, `attributes` reads and changes what a file says of itself,
//! `listing` reads directories, `errors` names failures. `concurrent` is the same for guests that call it with a task for
//! each call. `wasi` takes the place of three of WASI's own calls, `wasi_at_once` of those that only might wait.

mod attributes;
mod concurrent;
pub mod errors;
mod host;
mod listing;
mod paths;
mod resolve;
#[cfg(test)]
mod tests;
pub mod wasi;
pub mod wasi_at_once;

pub use listing::Listing;

/// What an operator granted beyond reading and writing.
#[derive(Clone, Copy, Debug)]
pub struct PosixPolicy {
    pub allow_chown: bool,
    pub allow_setid: bool,
}
