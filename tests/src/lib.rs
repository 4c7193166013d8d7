//! What the end-to-end tests share: a place to work in, child processes that cannot hang a test, a raw SFTP client,
//! the tools of OpenSSH, a real sshd, and the guests that were made for tests.
//!
//! Everything here panics when something is not as a test needs it: a failed test is the only error there is.

#[path = "../guests/hostile/src/attack.rs"]
pub mod attack;
pub mod client;
pub mod component;
pub mod core_guest;
pub mod mongodb;
pub mod packet;
pub mod place;
pub mod port;
pub mod process;
pub mod raw;
pub mod requests;
pub mod rivals;
pub mod scenario;
pub mod sshd;
pub mod tools;
pub mod tree;

/// The texts of `tests/guests/text/start`, by the names of the files.
pub mod start_attack {
    include!(concat!(env!("OUT_DIR"), "/start_attack.rs"));
}

pub use client::{Client, Reply, Status};
pub use packet::{Attributes, Entry};
pub use place::Place;
pub use process::{Outcome, Program};
pub use raw::Raw;

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long anything may take before it counts as hung. It tells an end from a hang and measures nothing.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A guest of `tests/guests` by the name of its folder.
pub fn guest(name: &str) -> PathBuf {
    let file = name.replace('-', "_");
    let path = Path::new(env!("TEST_GUESTS")).join(format!("{file}.wasm"));
    assert!(path.is_file(), "{}: tests/guests has no guest {name}", path.display());
    path
}

/// What is no guest: a text of `tests/guests/text`, turned into the binary that it describes.
pub fn guest_from_text(place: &Place, name: &str) -> PathBuf {
    let text = repository().join("tests/guests/text").join(name).with_extension("wat");
    let binary = wat::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", text.display()));
    place.file(format!("guests/{name}.wasm"), binary)
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// Whether tests that take many minutes were asked for (`tests/run --long`).
pub fn is_long() -> bool {
    std::env::var_os("STRONGROOM_LONG").is_some()
}

/// A [`Program`] that runs the executable under test; only in targets of the package `strongroom`.
#[macro_export]
macro_rules! strongroom {
    ($place:expr $(, $argument:expr)* $(,)?) => {
        $crate::Program::new(&$place, env!("CARGO_BIN_EXE_strongroom"))$(.arg($argument))*
    };
}
