//! What a component says of itself, read from its bytes: nothing is compiled, run or granted here, and no byte is
//! trusted.

mod outline;
mod walk;

pub use outline::{Export, Outline};
pub use walk::Unreadable;
