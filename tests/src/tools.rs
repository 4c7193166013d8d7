//! Tools that must be installed. `tests/run` looks for them first; here their absence fails the test.

use crate::{Outcome, Place, Program};
use std::path::{Path, PathBuf};

/// The tool of this name on PATH, or where Debian keeps servers.
pub fn find(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = ["/usr/sbin", "/usr/local/sbin", "/usr/lib/openssh"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(servers);
    let found = places.find_map(|folder| Some(folder.join(name)).filter(|tool| tool.is_file()));
    found.unwrap_or_else(|| panic!("{name} is not installed; tests/run says what to type"))
}

pub fn tool(place: &Place, name: &str) -> Program {
    Program::new(place, find(name))
}

/// OpenSSH's sftp, which talks to a server that it starts by itself (`-D`) and does a batch of commands.
pub fn sftp_batch(place: &Place, server: &Program, local: &Path, batch: &str) -> Outcome {
    sftp_direct(place, server).in_directory(local).input(batch).run()
}

/// `sftp -D SERVER -b -`.
pub fn sftp_direct(place: &Place, server: &Program) -> Program {
    tool(place, "sftp").args(["-q", "-b", "-", "-D"]).arg(server.line())
}
