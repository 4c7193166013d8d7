//! The protocol as a whole, against a client half and a storage of its own kind, with nothing but bytes and calls.

mod draft;
mod ends;
mod extensions;
mod features;
mod journal;
mod model;
mod order;
mod properties;
mod rig;
mod rows;
mod rules;
