//! An inspection for programs. Texts are as they stand in the component; [`super::safe_json`] prints them.

use super::grants::grant_line;
use super::report::Report;
use super::wants::{SettingNeed, Wants};
use serde_json::{Value, json};

/// One object; keys may be added in later versions.
pub fn to_json(report: &Report<'_>) -> Value {
    let inspection = report.inspection;
    let line = grant_line(report.invocation, inspection.declared());
    let abilities: Vec<Value> = inspection
        .abilities()
        .into_iter()
        .map(|(ability, imports)| json!({ "what": ability.words(), "imports": imports }))
        .collect();
    let producers: Vec<Value> = inspection
        .producers
        .0
        .iter()
        .map(|producer| json!({ "field": producer.field, "name": producer.name, "version": producer.version }))
        .collect();
    json!({
        "guest": report.name,
        "size_bytes": inspection.size_bytes,
        "contract": report.contract,
        "exports": inspection.exports,
        "languages": inspection.producers.languages(),
        "producers": producers,
        "can_ask_for": abilities,
        "wants": inspection.declared().iter().map(of_wants).collect::<Vec<_>>(),
        "warnings": inspection.warnings(),
        "command": line.command,
        "optional_arguments": line.optional,
    })
}

fn of_wants(wants: &Wants) -> Value {
    let settings = wants.settings.iter().map(|setting| {
        let default = match &setting.need {
            SettingNeed::Default(value) => Some(value),
            SettingNeed::Required | SettingNeed::Optional => None,
        };
        let is_required = setting.need == SettingNeed::Required;
        json!({ "name": setting.name, "help": setting.help, "required": is_required, "default": default, "secret": setting.is_secret })
    });
    let directories = wants.directories.iter().map(|directory| {
        let access = if directory.is_writable { "rw" } else { "ro" };
        json!({ "path": directory.path, "access": access, "required": directory.is_required, "reason": directory.reason })
    });
    let addresses = wants.addresses.iter().map(|address| {
        json!({ "address": address.place.to_string(), "required": address.is_required, "reason": address.reason })
    });
    let variables = wants
        .variables
        .iter()
        .map(|variable| json!({ "name": variable.name, "required": variable.is_required, "reason": variable.reason }));
    json!({
        "name": wants.name,
        "version": wants.version,
        "about": wants.about,
        "settings": settings.collect::<Vec<_>>(),
        "directories": directories.collect::<Vec<_>>(),
        "addresses": addresses.collect::<Vec<_>>(),
        "variables": variables.collect::<Vec<_>>(),
    })
}
