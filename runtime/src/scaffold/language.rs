//! The languages that a storage can be begun in: what is built, and what is to be typed for it.

use super::ProjectName;
use super::tools::{self, Tool};

/// A language with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// By cargo, for `wasm32-wasip2`.
    Rust,
    /// By componentize-py.
    Python,
    /// By jco, with QuickJS.
    JavaScript,
    /// By wit-bindgen and zig.
    C,
}

const VENV: &str = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt";

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rust, Self::Python, Self::JavaScript, Self::C];

    /// As `--lang` has it, and the templates' folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "js",
            Self::C => "c",
        }
    }

    /// The language of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// Where a build leaves the component, in the storage's folder.
    pub(super) fn component(self, name: &ProjectName) -> String {
        match self {
            Self::Rust => format!("target/wasm32-wasip2/release/{name}.wasm"),
            Self::Python | Self::JavaScript | Self::C => format!("{name}.wasm"),
        }
    }

    /// What builds and tests a storage, a command a line.
    pub(super) fn building(self, name: &ProjectName) -> Vec<String> {
        let lines: &[&str] = match self {
            Self::Rust => &["cargo build --release --target wasm32-wasip2", "cargo test"],
            Self::Python => {
                let build = format!(".venv/bin/python -m strongroom build storage.py -o {name}.wasm");
                return vec![VENV.to_owned(), build, ".venv/bin/python -m unittest".to_owned()];
            }
            Self::JavaScript => &["npm ci", "npm run build", "npm test"],
            Self::C => &[VENV, "make", "make test"],
        };
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    /// What that needs and no step brings.
    pub(super) fn tools(self) -> &'static [Tool] {
        match self {
            Self::Rust => &[tools::CARGO, tools::WASM_TARGET],
            Self::Python => &[tools::PYTHON],
            Self::JavaScript => &[tools::NODE, tools::NPM],
            Self::C => &[tools::WIT_BINDGEN, tools::PYTHON, tools::CC, tools::MAKE],
        }
    }
}
