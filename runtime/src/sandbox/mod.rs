//! The sandbox: a guest component, what it was granted, and what it may cost.
//!
//! Only this room names `wasmtime`. It turns a component into a [`Template`] (compiled, checked, linked), a template
//! into an [`Instance`], and runs calls of the storage contract on it. Nothing that a guest says leaves it unchecked:
//! answers come out as the types of [`crate::storage`], or as a [`Fault`] that ends the instance.

mod artifact;
mod bindings;
mod cache;
mod clocks;
mod compile;
mod component;
mod config;
mod convert;
mod embedded;
mod engine;
mod entrance;
mod fault;
mod grants;
mod guest_file;
mod instance;
mod limits;
mod linker;
mod native;
mod network;
mod output;
mod posix;
mod precompiled;
mod session;
mod state;
mod template;
#[cfg(test)]
mod tests;
mod ticker;
mod unchecked;
mod waiting;
mod watch;
mod without_async;

pub use cache::CacheError;
pub use compile::{CompileError, CompileLimits, Compiler, Job as CompileJob, run_child as run_compiler};
pub use component::{LoadError, Source};
pub use config::Calling;
#[cfg(test)]
pub use config::GUEST_STACK_BYTES;
pub use embedded::Embedded;
pub use engine::{Engine, Engines};
pub use fault::Fault;
pub use grants::{Access, DirectoryGrant, GrantError, Grants, OpenDirectory, OpenGrants};
pub use guest_file::{FileKind, MAX_COMPONENT_BYTES, NotAGuest, broken};
pub use instance::{Calls, Instance};
pub use limits::{Limits, NetworkLimits};
pub use native::NativeFile;
pub use network::{
    Authorities, AuthoritiesError, Consent, Destination, DestinationError, Network, NetworkGrant, NetworkGrants,
    ResolveJob, Scope, run_resolver,
};
pub use precompiled::{PrecompiledError, precompile};
pub use session::{Finished, StorageSession};
pub use template::Template;

/// The contract that guests are linked against.
pub const CONTRACT_VERSION: &str = "strongroom:storage@0.1.0";

/// The WebAssembly engine.
pub const ENGINE_VERSION: &str = concat!("wasmtime ", env!("STRONGROOM_WASMTIME_VERSION"));
