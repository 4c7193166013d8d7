//! A real sshd on a free port of the loopback, as the user who runs the tests, with keys and a configuration of its
//! own. Nothing of the machine's SSH is read or written.

use crate::process::Process;
use crate::tools::{find, tool};
use crate::{Place, Program, port};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// How sshd comes to start the server.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Options before the key in authorized_keys, as `command="…",restrict`.
    pub key_options: String,
    /// Further lines of sshd_config, as `ForceCommand …` or `Subsystem sftp …`.
    pub lines: Vec<String>,
}

/// A running sshd. It ends when it is dropped.
#[derive(Debug)]
pub struct Sshd<'a> {
    place: &'a Place,
    process: Process,
    port: u16,
    user: String,
}

impl<'a> Sshd<'a> {
    pub fn start(place: &'a Place, configuration: &Configuration) -> Self {
        let folder = place.directory("sshd");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("a folder of our own");
        for key in ["host_key", "client_key"] {
            let generate = tool(place, "ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"]);
            generate.arg(folder.join(key)).succeed();
        }
        let public = fs::read_to_string(folder.join("client_key.pub")).expect("a public key");
        let separator = if configuration.key_options.is_empty() { "" } else { " " };
        fs::write(folder.join("authorized_keys"), format!("{}{separator}{public}", configuration.key_options))
            .expect("authorized_keys");
        let user = user_name(place);
        // A free port may be taken by somebody else before sshd binds it.
        for _ in 0..10 {
            let port = port::free();
            let mut process = launch(place, &folder, port, configuration);
            if port::is_served(port, &mut process) {
                return Self { place, process, port, user };
            }
            assert!(!process.is_running(), "sshd listens on no port");
            let errors = process.errors();
            assert!(errors.contains("Address already in use"), "sshd did not start: {errors}");
        }
        panic!("sshd found no free port");
    }

    /// ssh to the account; a command may be appended.
    pub fn ssh(&self) -> Program {
        self.ssh_with(&[])
    }

    /// The same with options before the destination.
    pub fn ssh_with(&self, options: &[&str]) -> Program {
        let ssh = tool(self.place, "ssh").args(self.options()).args(options);
        ssh.args(["-p", &self.port.to_string(), &self.destination()])
    }

    /// sftp in batch mode; commands are its input.
    pub fn sftp(&self) -> Program {
        self.sftp_with(&[])
    }

    /// The same, asking for a server by its path in place of the subsystem.
    pub fn sftp_by_path(&self, path: &str) -> Program {
        self.sftp_with(&["-s", path])
    }

    fn sftp_with(&self, options: &[&str]) -> Program {
        let sftp = tool(self.place, "sftp").args(["-q", "-b", "-"]).args(self.options()).args(options);
        sftp.args(["-P", &self.port.to_string(), &self.destination()])
    }

    /// scp; the caller appends source and destination, made by [`Self::remote`].
    pub fn scp(&self) -> Program {
        tool(self.place, "scp").arg("-q").args(self.options()).args(["-P", &self.port.to_string()])
    }

    pub fn remote(&self, path: &str) -> String {
        format!("{}:{path}", self.destination())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    pub fn client_key(&self) -> PathBuf {
        self.place.path("sshd/client_key")
    }

    /// Ends it and gives what it logged.
    pub fn stop(mut self) -> String {
        self.process.signal(rustix::process::Signal::TERM);
        self.process.errors()
    }

    fn destination(&self) -> String {
        format!("{}@127.0.0.1", self.user)
    }

    fn options(&self) -> Vec<String> {
        let mut options = vec!["-F".to_owned(), "none".to_owned()];
        for option in [
            format!("IdentityFile={}", self.client_key().display()),
            format!("UserKnownHostsFile={}", self.place.path("sshd/known_hosts").display()),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".to_owned(),
            "StrictHostKeyChecking=accept-new".to_owned(),
            "BatchMode=yes".to_owned(),
            "LogLevel=ERROR".to_owned(),
        ] {
            options.extend(["-o".to_owned(), option]);
        }
        options
    }
}

fn launch(place: &Place, folder: &std::path::Path, port: u16, configuration: &Configuration) -> Process {
    let mut lines = vec![
        "ListenAddress 127.0.0.1".to_owned(),
        format!("Port {port}"),
        format!("HostKey {}", folder.join("host_key").display()),
        format!("AuthorizedKeysFile {}", folder.join("authorized_keys").display()),
        "PidFile none".to_owned(),
        "UsePAM no".to_owned(),
        "StrictModes no".to_owned(),
        "PasswordAuthentication no".to_owned(),
        "KbdInteractiveAuthentication no".to_owned(),
        "PrintMotd no".to_owned(),
        "PrintLastLog no".to_owned(),
    ];
    lines.extend(configuration.lines.iter().cloned());
    let file = folder.join("sshd_config");
    fs::write(&file, lines.join("\n") + "\n").expect("sshd_config");
    Program::new(place, find("sshd")).args(["-D", "-e", "-f"]).arg(&file).spawn()
}

fn user_name(place: &Place) -> String {
    tool(place, "id").arg("-un").succeed().text().trim().to_owned()
}
