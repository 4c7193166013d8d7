//! The protocol as a whole, against a client half and a storage of its own kind, with nothing but bytes and calls.

mod attacks;
mod draft;
mod ends;
mod extensions;
mod features;
mod files;
mod journal;
mod model;
mod order;
mod properties;
mod rig;
mod rows;
mod rows_on;
mod rules;
mod strain;
