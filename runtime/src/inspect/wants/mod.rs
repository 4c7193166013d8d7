//! The section `strongroom-wants`: what a storage says it wants, in its author's words. wit/README.md has its format. It
//! grants nothing; what breaks the format is told with its line.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub use parse::{MAX_SECTION_BYTES, WantsError, parse};

/// The name of the custom section.
pub const SECTION: &str = "strongroom-wants";

/// One storage's declaration. No text in it holds a control character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    pub name: Option<String>,
    pub version: Option<String>,
    pub about: Option<String>,
    pub settings: Vec<Setting>,
    pub directories: Vec<Directory>,
    pub addresses: Vec<Address>,
    pub variables: Vec<Variable>,
}

/// What the operator writes after `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub need: SettingNeed,
    /// Its value belongs in a file: `--set NAME=@FILE`.
    pub is_secret: bool,
    pub help: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingNeed {
    Required,
    Optional,
    /// Optional, and this is the value without it.
    Default(String),
}

/// A directory under its name for the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    pub path: String,
    pub is_writable: bool,
    pub is_required: bool,
    pub reason: String,
}

/// A destination of TCP connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub place: Place,
    pub is_required: bool,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The host and port that this setting names in its own way, as a URI does.
    InSetting(String),
    HostAndPort(Part, Part),
}

/// A host or a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Literal(String),
    /// The value of this setting.
    Setting(String),
}

/// A variable of the guest's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub is_required: bool,
    pub reason: String,
}

/// As the section has it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InSetting(name) => write!(f, "{{{name}}}"),
            Self::HostAndPort(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Setting(name) => write!(f, "{{{name}}}"),
        }
    }
}
