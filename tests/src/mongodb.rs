//! Databases for tests of GridFS: a server of the tests' own, from PyPI (`tests/foreign/gridfs/requirements.txt`), or the one
//! that `MONGODB_URI` names; and other programs that use the same buckets.

use crate::process::Process;
use crate::tools::tool;
use crate::{Place, Program, port, repository};
use rustix::process::Signal;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// A server that one test has for itself. It is killed when it is dropped.
#[derive(Debug)]
pub struct Server {
    program: Program,
    process: Process,
    port: u16,
}

impl Server {
    /// With its files in `place`, which a second one finds again.
    pub fn start(place: &Place, options: &[&str]) -> Self {
        // A free port may be taken by somebody else before the server binds it.
        for _ in 0..10 {
            let port = port::free();
            let program = Program::new(place, installed("bin/secantusd-py"))
                .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--standalone", "--storage-path"])
                .arg(place.directory("mongodb"))
                .args(options);
            let mut process = program.spawn();
            if port::is_served(port, &mut process) {
                return Self { program, process, port };
            }
        }
        panic!("the database found no free port");
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What is acknowledged is on its disk then.
    pub fn stop(&mut self) {
        self.process.signal(Signal::TERM);
        self.process.wait();
    }

    pub fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.wait();
    }

    /// Starts it again, where it was, after it was stopped or killed.
    pub fn restart(&mut self) {
        self.process = self.program.spawn();
        assert!(
            port::is_served(self.port, &mut self.process),
            "the database does not start again: {}",
            self.process.errors()
        );
    }

    pub fn database(&self, name: &str) -> Database {
        Database::at(self.port, name)
    }
}

/// A database, and how one gets into it.
#[derive(Clone, Debug)]
pub struct Database {
    server: String,
    user: Option<(String, String)>,
    name: String,
    options: String,
}

impl Database {
    /// A new one with room for gigabytes; the server is the test's own unless a person named one.
    pub fn roomy(place: &Place) -> (Option<Server>, Self) {
        if given().is_some() {
            return (None, Self::fresh());
        }
        let server = Server::start(place, &[]);
        let database = server.database("files");
        (Some(server), database)
    }

    /// On the loopback, where nobody is asked who they are.
    pub fn at(port: u16, name: &str) -> Self {
        Self { server: format!("127.0.0.1:{port}"), user: None, name: name.to_owned(), options: String::new() }
    }

    /// A new one on a server that all tests of a program share.
    pub fn fresh() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("strongroom-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        match given() {
            Some(uri) => Self::parse(&uri, name),
            None => Self::at(shared_port(), &name),
        }
    }

    #[must_use]
    pub fn with_user(self, name: &str, password: &str) -> Self {
        Self { user: Some((name.to_owned(), password.to_owned())), ..self }
    }

    /// As in `tls=true&authSource=admin`.
    #[must_use]
    pub fn with_options(self, options: &str) -> Self {
        Self { options: options.to_owned(), ..self }
    }

    /// The same by way of somebody between.
    #[must_use]
    pub fn through(self, port: u16) -> Self {
        Self { server: format!("127.0.0.1:{port}"), ..self }
    }

    /// Where its server listens, as a socket's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    fn parse(uri: &str, name: String) -> Self {
        let rest = uri.strip_prefix("mongodb://").expect("MONGODB_URI begins with mongodb://");
        let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let server = rest.split('/').next().unwrap_or_default().to_owned();
        let user = user.map(|user| user.split_once(':').expect("a user of MONGODB_URI has a password"));
        let user = user.map(|(user, password)| (user.to_owned(), password.to_owned()));
        Self { server, user, name, options: options.to_owned() }
    }

    /// For other programs: with the password, which has no character that would be escaped.
    pub fn uri(&self) -> String {
        let user = self.user.as_ref().map(|(user, password)| format!("{user}:{password}@")).unwrap_or_default();
        format!("mongodb://{user}{}/{}?{}", self.server, self.name, self.options)
    }

    /// For `strongroom gridfs`: the address, and a file for the password if there is one.
    pub fn arguments(&self, place: &Place) -> Vec<String> {
        let user = self.user.as_ref().map(|(user, _)| format!("{user}@")).unwrap_or_default();
        let mut arguments = vec![format!("mongodb://{user}{}/{}?{}", self.server, self.name, self.options)];
        if let Some((_, password)) = &self.user {
            let file = place.file("password", format!("{password}\n"));
            arguments.extend(["--password-file".to_owned(), file.to_str().expect("a path in UTF-8").to_owned()]);
        }
        arguments
    }
}

impl Database {
    /// For a command that takes the guest by its name: the grant, and the settings.
    pub fn granted(&self, place: &Place) -> Vec<String> {
        let mut settings = vec![("address", self.server.clone()), ("database", self.name.clone())];
        if let Some((user, password)) = &self.user {
            let file = place.file("password", password);
            settings.extend([("user", user.clone()), ("password", format!("@{}", file.display()))]);
        }
        for option in self.options.split('&') {
            match option.split_once('=') {
                Some(("authSource", database)) => settings.push(("auth-source", database.to_owned())),
                Some(("tls", is_wanted)) => settings.push(("tls", is_wanted.replace("true", "yes"))),
                _ => {}
            }
        }
        let settings = settings.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
        ["--connect".to_owned(), self.server.clone()].into_iter().chain(settings).collect()
    }
}

/// A program that uses GridFS as its specification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// pymongo's `gridfs`, which tells of states and makes users, too.
    Python,
    /// The `GridFSBucket` of MongoDB's driver for Node.
    Node,
}

impl Peer {
    pub const ALL: [Self; 2] = [Self::Python, Self::Node];

    fn program(self, place: &Place, database: &Database) -> Program {
        let program = match self {
            Self::Python => {
                let script = repository().join("tests/foreign/gridfs/peer.py");
                Program::new(place, installed("bin/python")).arg("-B").arg(script)
            }
            Self::Node => {
                // Modules are looked for from the script's own folder up.
                let folder = repository().join("target/tests-tools/node");
                let script = std::fs::read(repository().join("tests/foreign/node/gridfs.mjs")).expect("the script");
                tool(place, "node").in_directory(folder).args(["--input-type=module", "-"]).input(script)
            }
        };
        program.arg(database.uri())
    }

    /// A new revision of `name` with what `file` holds.
    pub fn put(self, place: &Place, database: &Database, bucket: &str, name: &str, file: &Path) {
        self.program(place, database).args(["put", bucket, name]).arg(file).succeed();
    }

    /// The newest revision of `name`.
    pub fn get(self, place: &Place, database: &Database, bucket: &str, name: &str) -> PathBuf {
        let file = place.path(format!("got-{}", name.replace('/', "-")));
        self.program(place, database).args(["get", bucket, name]).arg(&file).succeed();
        file
    }

    /// All revisions in JSON, oldest first.
    pub fn list(self, place: &Place, database: &Database, bucket: &str) -> String {
        self.program(place, database).args(["list", bucket]).succeed().text()
    }

    /// Another command of `tests/foreign/gridfs/peer.py`.
    pub fn ask<A: AsRef<OsStr>>(place: &Place, database: &Database, arguments: &[A]) -> String {
        Self::Python.program(place, database).args(arguments).succeed().text()
    }
}

/// The server that a person named.
pub fn given() -> Option<String> {
    std::env::var("MONGODB_URI").ok().filter(|uri| !uri.is_empty())
}

/// A server that ends with this process: its shell waits for the end of a pipe that nobody else holds.
fn shared_port() -> u16 {
    static SHARED: OnceLock<(Place, Mutex<Process>, u16)> = OnceLock::new();
    let (_, _, port) = SHARED.get_or_init(|| {
        let place = Place::new();
        for _ in 0..10 {
            let port = port::free();
            let until_the_pipe_ends = r#""$0" "$@" & cat >/dev/null; kill $!; wait $!"#;
            let shell =
                Program::new(&place, "/bin/sh").args(["-c", until_the_pipe_ends]).arg(installed("bin/secantusd-py"));
            let server = shell.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--standalone"]);
            let mut process = server.args(["--storage-path", ":memory:"]).spawn();
            if port::is_served(port, &mut process) {
                return (place, Mutex::new(process), port);
            }
        }
        panic!("the database found no free port");
    });
    *port
}

fn installed(name: &str) -> PathBuf {
    let path = repository().join("target/tests-tools/gridfs").join(name);
    assert!(path.exists(), "{} is missing; tests/run says what to type", path.display());
    path
}
