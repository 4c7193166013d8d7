//! A row of the table, as data.

use super::attempt::Tried;
use super::bench::Bench;
use super::made::Made;
use super::probe::Probe;
use crate::storage::Features;
use std::future::Future;
use std::pin::Pin;

/// A promise of the contract and how it is tried.
pub struct Row {
    /// Unique, in the style of the contract's names.
    pub name: &'static str,
    /// Where `wit/` makes the promise: an operation, or a type.
    pub place: &'static str,
    /// What the contract says there.
    pub promise: &'static str,
    pub needs: Needs,
    pub(super) test: Test,
}

/// What a storage has to have so that a row can be tried at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it is enough to look.
    Nothing,
    /// It can be changed.
    Change,
    /// It can be changed and claims these features.
    Claimed(Features),
    /// It claims these features, which can be looked at.
    Shown(Features),
}

pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Tried> + 'a>>;

/// How a row is tried.
pub(super) enum Test {
    /// In one session.
    Session(for<'a, 'c> fn(&'a Probe<'c>) -> Running<'a>),
    /// In sessions of its own making.
    Instances(for<'a, 'b> fn(&'a Bench<'b>, &'a Row, &'a Made) -> Running<'a>),
    /// By what every session does before its first row.
    Connect,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("name", &self.name).field("place", &self.place).finish_non_exhaustive()
    }
}

/// `row!(name, place, promise, needs, function)`
macro_rules! row {
    ($name:literal, $place:literal, $promise:literal, $needs:expr, $test:path) => {
        $crate::check::row::Row {
            name: $name,
            place: $place,
            promise: $promise,
            needs: $needs,
            test: $crate::check::row::Test::Session(|probe| Box::pin($test(probe))),
        }
    };
}
pub(super) use row;
