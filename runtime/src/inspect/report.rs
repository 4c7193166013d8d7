//! An inspection as an operator reads it.

use super::abilities::Ability;
use super::grants::{Invocation, grant_line};
use super::inspection::Inspection;
use super::text::Safe;
use super::wants::{Address, Directory, Place, Setting, SettingNeed, Wants};
use std::fmt;

/// The interfaces that a storage exports.
const PACKAGE: &str = "strongroom:storage/";

/// Text of many lines, with no character of the component's that a terminal would obey.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub name: &'a str,
    /// The contract that this host speaks and the component exports.
    pub contract: &'a str,
    pub invocation: &'a Invocation,
    pub inspection: &'a Inspection,
}

impl Inspection {
    /// The contract's interfaces that it exports, without package and version.
    pub(super) fn storage_exports(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().filter_map(|name| name.strip_prefix(PACKAGE)?.split('@').next())
    }

    /// What it exports besides, which nobody calls.
    pub(super) fn other_exports(&self) -> impl Iterator<Item = &str> {
        self.exports.iter().map(String::as_str).filter(|name| !name.starts_with(PACKAGE))
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, contract, inspection, .. } = self;
        writeln!(f, "{}: {} bytes", Safe(name), inspection.size_bytes)?;
        let exports =
            inspection.storage_exports().map(|export| Safe(export).to_string()).collect::<Vec<_>>().join(", ");
        writeln!(f, "  contract  {contract}: {exports}")?;
        for export in inspection.other_exports() {
            writeln!(f, "  exports   {}, which nobody calls", Safe(export))?;
        }
        let languages = inspection.producers.languages().join(", ");
        writeln!(
            f,
            "  language  {}",
            if languages.is_empty() { "not told".to_owned() } else { Safe(&languages).to_string() }
        )?;
        for producer in inspection.producers.0.iter().filter(|producer| producer.field != "language") {
            // Behind the version itself some say where they were built.
            let version = producer.version.split_whitespace().next().unwrap_or_default();
            writeln!(f, "  made by   {} {}", Safe(&producer.name), Safe(version))?;
        }
        self.write_abilities(f)?;
        for wants in inspection.declared() {
            write_wants(f, wants)?;
        }
        self.write_warnings(f)?;
        self.write_grants(f)
    }
}

impl Report<'_> {
    fn write_abilities(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nIt can ask for (an import is no grant; what is not granted is denied):")?;
        for (ability, imports) in self.inspection.abilities() {
            match ability {
                Ability::Contract => {}
                Ability::Unknown => {
                    for import in imports {
                        writeln!(f, "  {}, {}", Safe(import), ability.words())?;
                    }
                }
                _ => writeln!(f, "  {}", ability.words())?,
            }
        }
        Ok(())
    }

    fn write_warnings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warnings = self.inspection.warnings();
        if !warnings.is_empty() {
            writeln!(f, "\nWarnings:")?;
        }
        warnings.iter().try_for_each(|warning| writeln!(f, "  {warning}"))
    }

    fn write_grants(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = grant_line(self.invocation, self.inspection.declared());
        writeln!(f, "\nThe command that grants what it says it needs:\n  {}", Safe(&line.command))?;
        if !line.optional.is_empty() {
            writeln!(f, "and, if that is wanted:\n  {}", Safe(&line.optional))?;
        }
        Ok(())
    }
}

fn write_wants(f: &mut fmt::Formatter<'_>, wants: &Wants) -> fmt::Result {
    let name = wants.name.as_deref().unwrap_or("the storage");
    let version = wants.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    write!(f, "\nIt says that it is {name}{}", Safe(&version))?;
    match &wants.about {
        Some(about) if !about.is_empty() => writeln!(f, ": {}", Safe(about))?,
        _ => writeln!(f)?,
    }
    let lines: Vec<(String, &str)> = wants
        .directories
        .iter()
        .map(|directory| (of_directory(directory), directory.reason.as_str()))
        .chain(wants.addresses.iter().map(|address| (of_address(address), address.reason.as_str())))
        .chain(wants.variables.iter().map(|variable| {
            (format!("variable {}{}", variable.name, of_need(variable.is_required)), variable.reason.as_str())
        }))
        .chain(wants.settings.iter().map(|setting| (of_setting(setting), setting.help.as_str())))
        .collect();
    writeln!(f, "{}", if lines.is_empty() { "and wants nothing." } else { "and wants:" })?;
    for (thing, reason) in lines {
        let colon = if reason.is_empty() { "" } else { ": " };
        writeln!(f, "  {}{colon}{}", Safe(&thing), Safe(reason))?;
    }
    Ok(())
}

fn of_need(is_required: bool) -> &'static str {
    if is_required { "" } else { " (optional)" }
}

fn of_directory(directory: &Directory) -> String {
    let access = if directory.is_writable { "to read and write" } else { "to read" };
    format!("a directory as {} {access}{}", directory.path, of_need(directory.is_required))
}

fn of_address(address: &Address) -> String {
    let place = match &address.place {
        Place::InSetting(name) => format!("the host and port in setting {name}"),
        place @ Place::HostAndPort(..) => place.to_string(),
    };
    format!("connections to {place}{}", of_need(address.is_required))
}

fn of_setting(setting: &Setting) -> String {
    let kind = if setting.is_secret { "secret" } else { "setting" };
    match &setting.need {
        SettingNeed::Required => format!("{kind} {}", setting.name),
        SettingNeed::Optional => format!("{kind} {} (optional)", setting.name),
        SettingNeed::Default(value) => format!("{kind} {} ({value} unless set)", setting.name),
    }
}
