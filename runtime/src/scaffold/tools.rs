//! The programs that a language's build needs, whether they are there, and what installs them.

use std::process::{Command, Stdio};

/// A program, and how to get it.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// What it is called.
    pub name: &'static str,
    /// The command that installs it.
    pub install: &'static str,
    /// A command that succeeds where it is there, and does no more.
    probe: &'static [&'static str],
}

pub(super) const CARGO: Tool = Tool {
    name: "cargo",
    install: "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh",
    probe: &["cargo", "--version"],
};
pub(super) const WASM_TARGET: Tool = Tool {
    name: "Rust's target wasm32-wasip2",
    install: "rustup target add wasm32-wasip2",
    probe: &["sh", "-c", "ls \"$(rustc --print target-libdir --target wasm32-wasip2)\"/libstd-*"],
};
pub(super) const PYTHON: Tool = Tool {
    name: "Python 3.11 or later with venv",
    install: "sudo apt-get install -y python3-venv",
    probe: &["python3", "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"],
};
pub(super) const NODE: Tool = Tool {
    name: "Node 20 or later",
    install: "sudo apt-get install -y nodejs",
    probe: &["node", "-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"],
};
pub(super) const NPM: Tool = Tool { name: "npm", install: "sudo apt-get install -y npm", probe: &["npm", "--version"] };
pub(super) const WIT_BINDGEN: Tool = Tool {
    name: "wit-bindgen",
    install: "cargo install --locked wit-bindgen-cli@0.63.0",
    probe: &["wit-bindgen", "--version"],
};
pub(super) const CC: Tool = Tool { name: "cc", install: "sudo apt-get install -y gcc", probe: &["cc", "--version"] };
pub(super) const MAKE: Tool =
    Tool { name: "make", install: "sudo apt-get install -y make", probe: &["make", "--version"] };

impl Tool {
    /// Whether it is to be found and does what is needed.
    pub(super) fn is_there(&self) -> bool {
        let Some((program, arguments)) = self.probe.split_first() else { return true };
        let mut probe = Command::new(program);
        probe.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_missed() {
        let tool = |probe| Tool { name: "", install: "", probe };
        assert!(tool(&["true"]).is_there());
        assert!(!tool(&["false"]).is_there());
        assert!(!tool(&["strongroom-no-such-tool"]).is_there());
    }
}
