//! `strongroom man`: the manual page, made of what the commands say about themselves.

use clap::Command;
use clap_mangen::Man;
use std::io::{self, Write};

/// What no option says.
const NOTES: &str = include_str!("manual.roff");

/// Commands, and what they have beyond the options of every storage, which are those of `memory`.
const COMMANDS: [&str; 7] = ["jail", "memory", "gridfs", "run", "inspect", "compile", "new"];

/// Writes the page in roff, as `man -l -` takes it.
pub(super) fn write(command: Command, version: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let page = Man::new(command.clone()).title("STRONGROOM").source(format!("strongroom {version}"));
    page.render_title(out)?;
    page.render_name_section(out)?;
    writeln!(out, ".SH SYNOPSIS\n.nf")?;
    for subcommand in command.get_subcommands_mut() {
        writeln!(out, "{}", escape(&usage(subcommand)))?;
    }
    writeln!(out, ".fi")?;
    page.render_description_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for subcommand in command.get_subcommands() {
        write_summary(subcommand, out)?;
    }
    write_options(&command, out)?;
    out.write_all(NOTES.as_bytes())
}

/// As `--help` shows it, one form a line.
fn usage(command: &mut Command) -> String {
    let usage = command.render_usage().to_string();
    usage.trim_start_matches("Usage: ").lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn write_summary(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    writeln!(out, ".TP\n.B {}\n{}.", escape(command.get_name()), escape(&about))
}

fn write_options(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let Some(common) = command.find_subcommand("memory") else { return Ok(()) };
    for storage in COMMANDS.into_iter().filter_map(|name| command.find_subcommand(name)) {
        write_own_options(storage, common, out)?;
    }
    if let (Some(check), Some(run)) = (command.find_subcommand("check"), command.find_subcommand("run")) {
        write_own_options(check, run, out)?;
        writeln!(out, ".PP\nWhat a guest is granted, its limits and the log are as for\n.BR run .")?;
    }
    writeln!(out, ".SH OPTIONS OF ALL STORAGES")?;
    write_option_sections(common.clone(), out)
}

/// The options of `storage` that `common` lacks; nothing if there are none.
fn write_own_options(storage: &Command, common: &Command, out: &mut dyn Write) -> io::Result<()> {
    let is_common = |id: &clap::Id| common.get_arguments().any(|argument| argument.get_id() == id);
    let own = storage.clone().mut_args(|argument| {
        let hide = argument.is_hide_set() || is_common(argument.get_id());
        argument.hide(hide)
    });
    if own.get_arguments().all(|argument| argument.is_hide_set()) {
        return Ok(());
    }
    writeln!(out, ".SH OPTIONS OF {}", storage.get_name().to_uppercase())?;
    write_option_sections(own, out)
}

fn write_option_sections(command: Command, out: &mut dyn Write) -> io::Result<()> {
    let mut sections = Vec::new();
    Man::new(command).render_options_section(&mut sections)?;
    let sections = String::from_utf8_lossy(&sections).replace(".SH OPTIONS\n", "").replace(".SH ", ".SS ");
    out.write_all(sections.as_bytes())
}

/// Plain text in roff; none of ours begins a line with a dot.
fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}
