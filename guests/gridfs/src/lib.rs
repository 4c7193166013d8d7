//! Files in a MongoDB bucket, as GridFS has them: the storage that `strongroom gridfs` serves. One address is all that it
//! wants of the network.
//!
//! From the wire upwards: [`wire`] makes messages, `scram` proves passwords, [`connection`] speaks with a server and `pool`
//! with several connections, [`database`] has commands with what is retried, `bucket` knows GridFS; `reader`, `upload` and
//! `open` are open files. `system` is what a component does otherwise than a test on the machine itself.
//!
//! The official driver (`mongodb` 3) is not used: it wants sockets and threads of tokio, which has none for this target.
//!
//! What is as it may not be expected:
//!
//! - A file is published by its last step, the document in `BUCKET.files`, and what it replaces is there until then. Writing
//!   in the middle of a file makes a new version, for which the server's chunks that did not change are copied.
//! - What this session writes has the name that it gives it meanwhile, by renaming it or a directory above; what it removes is
//!   not published. What other hosts do with names it does not follow.
//! - Of two that replace a file whole, the later one stays. One that changed it in the middle, or appended, is refused, at the
//!   latest when it is closed (`conflict`), if the file has another version by then.
//! - Where the bucket's owner wants each name only once, no file can be replaced (`conflict`).
//! - Holes are stored as zeros, since GridFS knows none.
//! - Removing or replacing a name removes all its versions; renaming it moves all.
//! - A directory is moved name by name. See `bucket/rename.rs`.
//! - Whether the server tells how full it is, is asked when a session begins: of the database `admin`, see `bucket/usage.rs`.
//! - Names of other programs that are no paths are not shown. See `bucket/names.rs`.
//!
//! Settings: `address` (HOST:PORT) and `database` are required; `bucket` (`fs`), `user`, `password`, `auth-source` (`admin`),
//! `tls` (`no`), `tls-name` (the host), `chunk-size` (bytes, 255K, at least 1K) and `orphan-age` (seconds after which an upload
//! without a sign of life is given up, 86400).

mod bucket;
mod connection;
mod database;
mod failure;
mod open;
mod outbox;
mod pool;
mod reader;
mod runs;
mod scram;
mod session;
mod settings;
mod system;
mod upload;
mod wire;

pub use session::Gridfs;

strongroom_guest::export!(Gridfs);

strongroom_guest::wants! {
    "gridfs": "Files in a bucket of a MongoDB database, as GridFS keeps them";
    address "{address}" required: "The database";
    setting "address" required: "The database's server, as HOST:PORT";
    setting "database" required: "The database's name";
    setting "bucket" = "fs": "The bucket's name";
    setting "user" optional: "Who logs in; nobody does unless this is set";
    secret "password" optional: "The user's password";
    setting "auth-source" = "admin": "The database that knows the user";
    setting "tls" = "no": "Whether to connect by TLS: yes or no";
    setting "tls-name" optional: "The name in the server's certificate; the host's unless set";
    setting "chunk-size" = "261120": "Bytes in a chunk of a new file";
    setting "orphan-age" = "86400": "Seconds without a sign of life after which an upload is given up";
}
