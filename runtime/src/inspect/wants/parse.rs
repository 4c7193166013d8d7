//! From the section's bytes to what it declares. They are a stranger's: each length has a limit, and nothing that is not
//! expected passes.

use super::{Address, Directory, Part, Place, Setting, SettingNeed, Variable, Wants};
use crate::storage::StoragePath;
use thiserror::Error;

/// Bytes of a section, which may hold several declarations, one behind another.
pub const MAX_SECTION_BYTES: usize = 16 << 10;

const HEADER: &str = "strongroom-wants ";
const VERSION: &str = "1";
pub(super) const MAX_RECORDS: usize = 100;
pub(super) const MAX_NAME_BYTES: usize = 64;
pub(super) const MAX_TEXT_BYTES: usize = 500;

/// Why a section is not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WantsError {
    #[error("it is longer than {MAX_SECTION_BYTES} bytes")]
    TooLong,
    #[error("it is not UTF-8")]
    NotText,
    #[error("it does not begin with \"{HEADER}{VERSION}\"")]
    NoHeader,
    #[error("it is of a later form than this version of strongroom reads; update strongroom")]
    LaterForm,
    #[error("an address names the setting {0}, which is not declared")]
    Undeclared(String),
    #[error("line {number}: {reason}")]
    Line { number: usize, reason: LineError },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    #[error("there are more than {MAX_RECORDS} lines")]
    TooMany,
    #[error("a text holds a control character or has more than {MAX_TEXT_BYTES} bytes")]
    Text,
    #[error("there is no record of this kind with as many fields")]
    Record,
    #[error("it is there already")]
    Twice,
    #[error("a name has letters, digits, '.', '_' and '-', at most {MAX_NAME_BYTES}")]
    Name,
    #[error("what is needed is \"required\" or \"optional\", for a setting also \"=\" and its default")]
    Need,
    #[error("a directory begins with '/' and has no '.', '..', '//' or '/' at its end")]
    Path,
    #[error("a directory is \"ro\" or \"rw\"")]
    Access,
    #[error("an address is HOST:PORT or {{SETTING}}; {{SETTING}} may stand for either part too")]
    Address,
}

/// Reads what the section holds.
pub fn parse(section: &[u8]) -> Result<Vec<Wants>, WantsError> {
    if section.len() > MAX_SECTION_BYTES {
        return Err(WantsError::TooLong);
    }
    let text = std::str::from_utf8(section).map_err(|_| WantsError::NotText)?;
    let mut found: Vec<Wants> = Vec::new();
    for (index, line) in text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate() {
        match (line.strip_prefix(HEADER), found.last_mut()) {
            (Some(VERSION), _) => found.push(Wants::default()),
            (Some(_), _) => return Err(WantsError::LaterForm),
            (None, None) => return Err(WantsError::NoHeader),
            (None, Some(_)) if index > MAX_RECORDS => {
                return Err(WantsError::Line { number: index + 1, reason: LineError::TooMany });
            }
            (None, Some(wants)) => {
                wants.take(line).map_err(|reason| WantsError::Line { number: index + 1, reason })?;
            }
        }
    }
    match found.iter().find_map(Wants::undeclared) {
        None => Ok(found),
        Some(setting) => Err(WantsError::Undeclared(setting.clone())),
    }
}

impl Wants {
    fn take(&mut self, line: &str) -> Result<(), LineError> {
        let fields: Vec<&str> = line.split('\t').collect();
        if !fields.iter().all(|field| is_plain(field)) {
            return Err(LineError::Text);
        }
        match *fields.as_slice() {
            ["name", name] => once(&mut self.name, checked_name(name)?),
            ["version", version] => once(&mut self.version, version.to_owned()),
            ["about", about] => once(&mut self.about, about.to_owned()),
            ["setting", name, need, help] => self.take_setting(name, need, help, false),
            ["secret", name, need, help] => self.take_setting(name, need, help, true),
            ["directory", path, access, need, reason] => self.take_directory(path, access, need, reason),
            ["address", address, need, reason] => self.take_address(address, need, reason),
            ["variable", name, need, reason] => self.take_variable(name, need, reason),
            _ => Err(LineError::Record),
        }
    }

    fn take_setting(&mut self, name: &str, need: &str, help: &str, is_secret: bool) -> Result<(), LineError> {
        let need = match need.strip_prefix('=') {
            Some(default) => SettingNeed::Default(default.to_owned()),
            None if is_required(need)? => SettingNeed::Required,
            None => SettingNeed::Optional,
        };
        let setting = Setting { name: checked_name(name)?, need, is_secret, help: help.to_owned() };
        add(&mut self.settings, setting, |setting| &setting.name)
    }

    fn take_directory(&mut self, path: &str, access: &str, need: &str, reason: &str) -> Result<(), LineError> {
        let path = StoragePath::from_normal(path.to_owned()).map_err(|_| LineError::Path)?.into_string();
        let is_writable = match access {
            "rw" => true,
            "ro" => false,
            _ => return Err(LineError::Access),
        };
        let directory = Directory { path, is_writable, is_required: is_required(need)?, reason: reason.to_owned() };
        add(&mut self.directories, directory, |directory| &directory.path)
    }

    fn take_address(&mut self, address: &str, need: &str, reason: &str) -> Result<(), LineError> {
        let place = place(address).ok_or(LineError::Address)?;
        let address = Address { place, is_required: is_required(need)?, reason: reason.to_owned() };
        add(&mut self.addresses, address, |address| &address.place)
    }

    fn take_variable(&mut self, name: &str, need: &str, reason: &str) -> Result<(), LineError> {
        let variable =
            Variable { name: checked_name(name)?, is_required: is_required(need)?, reason: reason.to_owned() };
        add(&mut self.variables, variable, |variable| &variable.name)
    }

    /// A setting that an address names and that is not there; it may stand behind the address.
    fn undeclared(&self) -> Option<&String> {
        let mut named = self.addresses.iter().flat_map(|address| address.place.settings());
        named.find(|name| !self.settings.iter().any(|setting| setting.name == **name))
    }
}

impl Place {
    fn settings(&self) -> impl Iterator<Item = &String> {
        let named = match self {
            Self::InSetting(name) => [Some(name), None],
            Self::HostAndPort(host, port) => [host.setting(), port.setting()],
        };
        named.into_iter().flatten()
    }
}

impl Part {
    fn setting(&self) -> Option<&String> {
        match self {
            Self::Literal(_) => None,
            Self::Setting(name) => Some(name),
        }
    }
}

fn once(field: &mut Option<String>, value: String) -> Result<(), LineError> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(LineError::Twice),
    }
}

fn add<T, K: PartialEq>(list: &mut Vec<T>, item: T, key: impl Fn(&T) -> &K) -> Result<(), LineError> {
    if list.iter().any(|other| key(other) == key(&item)) {
        return Err(LineError::Twice);
    }
    list.push(item);
    Ok(())
}

fn is_plain(text: &str) -> bool {
    text.len() <= MAX_TEXT_BYTES && !text.contains(char::is_control)
}

fn is_required(need: &str) -> Result<bool, LineError> {
    match need {
        "required" => Ok(true),
        "optional" => Ok(false),
        _ => Err(LineError::Need),
    }
}

fn checked_name(name: &str) -> Result<String, LineError> {
    let is_name = is_word(name, |character| matches!(character, '.' | '_' | '-')) && name.len() <= MAX_NAME_BYTES;
    if is_name { Ok(name.to_owned()) } else { Err(LineError::Name) }
}

fn is_word(text: &str, is_beside: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_ascii_alphanumeric() || is_beside(character))
}

fn place(address: &str) -> Option<Place> {
    if let Some(name) = setting_of(address) {
        return Some(Place::InSetting(checked_name(name).ok()?));
    }
    let (host, port) = address.rsplit_once(':')?;
    Some(Place::HostAndPort(part(host, is_host)?, part(port, is_port)?))
}

fn part(text: &str, is_literal: impl Fn(&str) -> bool) -> Option<Part> {
    match setting_of(text) {
        Some(name) => Some(Part::Setting(checked_name(name).ok()?)),
        None => is_literal(text).then(|| Part::Literal(text.to_owned())),
    }
}

fn setting_of(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}').filter(|name| !name.contains(['{', '}']))
}

/// A name or an address; one of IPv6 stands in brackets.
fn is_host(text: &str) -> bool {
    let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match address {
        Some(address) => is_word(address, |character| matches!(character, ':' | '.')),
        None => is_word(text, |character| matches!(character, '.' | '-')),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port != 0) && text.chars().all(|digit| digit.is_ascii_digit())
}
