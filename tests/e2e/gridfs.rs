//! `strongroom gridfs` against a MongoDB server, beside other programs that use the same bucket. The server is one of the
//! tests' own, which is no MongoDB's, or what `MONGODB_URI` names.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "gridfs/bulk.rs"]
mod bulk;
#[path = "gridfs/contract.rs"]
mod contract;
#[path = "gridfs/entry.rs"]
mod entry;
#[path = "gridfs/exchange.rs"]
mod exchange;
#[path = "gridfs/interruptions.rs"]
mod interruptions;
#[path = "gridfs/meddler.rs"]
mod meddler;
#[path = "gridfs/promises.rs"]
mod promises;
#[path = "gridfs/rivals.rs"]
mod rivals;
#[path = "gridfs/sshd.rs"]
mod sshd;
#[path = "gridfs/waves.rs"]
mod waves;

use serde_json::Value;
use std::fs;
use strongroom_tests::mongodb::{Database, Peer};
use strongroom_tests::{Place, Program, strongroom};

/// Serves the bucket `fs` of a database, in a process that is confined as far as can be.
fn gridfs(place: &Place, database: &Database) -> Program {
    strongroom!(place, "gridfs")
        .args(database.arguments(place))
        .args(["--umask", "022", "--require-sandbox", "-l"])
        .arg(place.path("log"))
}

fn log(place: &Place) -> String {
    fs::read_to_string(place.path("log")).unwrap()
}

/// What another program says of the bucket `fs`.
struct State {
    /// Of all revisions, the oldest first.
    names: Vec<String>,
    /// Files whose chunks are not what they say.
    broken: Vec<String>,
    /// Chunks that belong to no file.
    orphans: u64,
}

impl State {
    fn of(place: &Place, database: &Database) -> Self {
        let state: Value = serde_json::from_str(&Peer::ask(place, database, &["state", "fs"])).unwrap();
        let strings = |values: &Value, get: fn(&Value) -> &Value| -> Vec<String> {
            values.as_array().unwrap().iter().map(|value| get(value).as_str().unwrap().to_owned()).collect()
        };
        Self {
            names: strings(&state["files"], |file| &file["name"]),
            broken: strings(&state["broken"], |name| name),
            orphans: state["orphans"].as_u64().unwrap(),
        }
    }

    #[track_caller]
    fn assert_whole(&self) {
        assert!(self.broken.is_empty(), "these have not the chunks that they say: {:?}", self.broken);
    }
}
