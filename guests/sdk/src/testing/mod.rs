//! For a storage's tests, which run on the machine itself by `cargo test`: a [`Client`] that calls the storage as the host
//! does, and [`Served`], which speaks SFTP with a component that `strongroom` runs. Both are made to fail a test: what the
//! host would take for a fault of the guest is a panic.

mod client;
mod served;

pub use client::{Client, OpenFile};
/// Runs a future to its end, for what a test awaits outside a [`Client`].
pub use pollster::block_on;
pub use served::{Packet, Reply, Served};
