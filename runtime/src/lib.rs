//! Strongroom: an SFTP server whose storage is a sandboxed WebAssembly component.
//!
//! The rooms, and what must never be in them, are drawn in ARCHITECTURE.md. In short: [`sftp`] is the wire protocol
//! as a pure state machine, [`sandbox`] runs a guest component within grants and limits, [`serve`] joins the two over
//! a byte stream, [`check`] tries the contract on a guest, [`confine`] takes from the process what it does not need,
//! [`cli`] turns a command line into grants and limits, [`inspect`] reads what a component says of itself, and
//! [`storage`] is the vocabulary they share. [`scaffold`] stands beside them: it begins a storage.

pub mod check;
pub mod cli;
pub mod confine;
pub mod inspect;
pub mod limits;
pub mod log;
pub mod sandbox;
pub mod scaffold;
pub mod serve;
pub mod sftp;
pub mod storage;
pub mod vis;
