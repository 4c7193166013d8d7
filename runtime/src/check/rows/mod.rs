//! The rows, a file for each part of the contract.

mod attributes;
mod directories;
mod endings;
mod extras;
mod features;
mod links;
mod looking;
mod names;
mod opening;
mod overlap;
mod reading;
mod removing;
mod renaming;
mod sessions;
mod writing;

use super::row::Row;

/// All rows, in the order in which they are tried and told.
pub fn all() -> impl Iterator<Item = &'static Row> {
    let groups = [
        sessions::ROWS,
        opening::ROWS,
        looking::ROWS,
        reading::ROWS,
        writing::ROWS,
        endings::ROWS,
        directories::ROWS,
        names::ROWS,
        removing::ROWS,
        renaming::ROWS,
        links::ROWS,
        attributes::ROWS,
        features::ROWS,
        extras::ROWS,
        overlap::ROWS,
    ];
    groups.into_iter().flatten()
}
