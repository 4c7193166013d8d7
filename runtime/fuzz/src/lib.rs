//! What the fuzz targets try, one file a target; README.md says how they are run.
//!
//! The storage that the protocol is tried against, and what joins the two, are those of the protocol's own tests.

pub mod codec;
pub mod components;
pub mod grants;
mod log;
pub mod paths;
mod requests;
pub mod session;
mod storages;

#[path = "../../src/sftp/tests/model.rs"]
pub mod model;
#[path = "../../src/sftp/tests/rig.rs"]
pub mod rig;
#[path = "../../src/sftp/tests/strain.rs"]
pub mod strain;

// The three above name these as their own crate's.
use strongroom::{sftp, storage};
