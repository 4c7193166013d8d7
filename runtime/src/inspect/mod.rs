//! What a component says of itself, read from its bytes: nothing is compiled, run or granted here, and no byte is
//! trusted.

mod abilities;
mod comparison;
mod grants;
mod imports;
mod inspection;
mod json;
mod lifts;
mod outline;
mod producers;
mod report;
mod text;
mod walk;
mod wants;

pub use abilities::Ability;
pub use grants::Invocation;
pub use imports::{Interface, imported_interfaces};
pub use inspection::Inspection;
pub use json::to_json;
pub use lifts::returns_at_once;
pub use outline::{Export, Outline};
pub use report::Report;
pub use text::safe_json;
pub use walk::Unreadable;
pub use wants::{Wants, WantsError};
