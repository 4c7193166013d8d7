//! Tools that must be installed. `tests/run` looks for them first; here their absence fails the test.

use crate::{Outcome, Place, Program};
use std::net::{IpAddr, ToSocketAddrs};
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

/// A name, other than localhost, that leads to this machine or into its network.
pub fn private_name() -> String {
    let own =
        std::fs::read_to_string("/proc/sys/kernel/hostname").expect("the kernel knows its name").trim().to_owned();
    let is_inside = |name: &String| {
        let addresses = (name.as_str(), 0).to_socket_addrs().map(Vec::from_iter).unwrap_or_default();
        let is_v4 = addresses.iter().any(|address| match address.ip() {
            IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
        });
        !addresses.is_empty() && is_v4
    };
    let names = [own, "ip6-localhost".to_owned(), "ip6-loopback".to_owned()];
    names.into_iter().find(is_inside).expect("/etc/hosts has a name of this machine besides localhost")
}
