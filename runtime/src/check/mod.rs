//! The storage contract as a table: each promise of `wit/` that a guest can break is a row, and each row is tried on a
//! guest in a fresh instance with what the operator grants, confined as in service.
//!
//! It asks a storage as the protocol does, by [`crate::storage::Call`]s, and knows no packets. A storage that can be
//! changed is worked on in a directory of its own, which is made and removed; one that only shows things is looked at.

mod attempt;
mod bench;
mod made;
mod probe;
mod report;
mod row;
mod rows;
mod run;
mod steps;
mod survey;
mod words;

pub use report::{Line, Report, Verdict};
pub use row::{Needs, Row};
pub use rows::all as rows;
pub use run::{CheckError, Progress, run};
