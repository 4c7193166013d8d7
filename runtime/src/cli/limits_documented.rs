//! The table of limits in README.md is the command line's: each flag, each default, each limit that has no flag.

use super::limits::LimitArguments;
use super::units::size;
use crate::{limits, sandbox, sftp};
use clap::{Args, Command, FromArgMatches};
use std::collections::BTreeMap;

const README: &str = include_str!("../../../README.md");

/// A row: what is limited, and the other columns.
type Table = BTreeMap<&'static str, [&'static str; 3]>;

fn table() -> Table {
    let (_, section) = README.split_once("\n## Limits\n").expect("README.md has the section");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [limit, default, flag, seen] = cells.try_into().unwrap_or_else(|cells| panic!("four columns: {cells:?}"));
        (limit != "limit").then_some((limit, [default, flag, seen]))
    });
    rows.collect()
}

fn command() -> Command {
    LimitArguments::augment_args(Command::new("strongroom"))
}

#[test]
fn every_flag_is_in_the_table_with_its_default_and_no_other_is() {
    let command = command();
    let defaults = command.get_arguments().filter_map(|argument| {
        let values: Vec<_> = argument.get_default_values().iter().map(|value| value.to_str().unwrap()).collect();
        Some((format!("`--{}`", argument.get_long()?), values.join(" ")))
    });
    let defaults: BTreeMap<String, String> = defaults.collect();
    let documented = table().into_values().filter(|[_, flag, _]| flag.starts_with('`'));
    let documented: BTreeMap<String, String> =
        documented.map(|[default, flag, _]| (flag.to_owned(), default.to_owned())).collect();
    assert_eq!(documented, defaults);
}

#[test]
fn every_limit_without_a_flag_is_in_the_table_and_no_other_is() {
    let matches = command().try_get_matches_from(["strongroom"]).unwrap();
    let limits = LimitArguments::from_arg_matches(&matches).unwrap().limits();
    // Each field by name: a new one is to be told here whether it has a flag, which the test above looks for.
    let limits::Limits { protocol, instance, login_timeout: _, end_timeout: _, restarts: _, compile } = limits;
    let sandbox::CompileLimits { timeout: _, memory_bytes: _ } = compile;
    let sftp::Limits {
        max_packet_bytes: _,
        max_read_bytes: _,
        max_handles: _,
        max_calls_in_flight: _,
        max_bytes_in_flight: _,
        max_output_bytes: _,
        max_path_bytes: _,
    } = protocol;
    let sandbox::Limits {
        memory_bytes: _,
        table_elements,
        core_items,
        resources,
        host_call_bytes,
        call_timeout: _,
        close_timeout: _,
        cpu_time: _,
        log_bytes: _,
        random_bytes,
        network,
    } = instance;
    let sandbox::NetworkLimits { connections: _, connects: _, bytes: _, wait: _ } = network;
    let fixed = [
        ("elements of a table of the guest", table_elements),
        ("core instances, memories and tables of a guest, each", core_items),
        ("resources of the guest, and handles that it holds, each", resources),
        ("what the guest hands over in one call", host_call_bytes),
        ("random bytes for the guest at once", usize::try_from(random_bytes).unwrap()),
        ("stack of the guest", sandbox::GUEST_STACK_BYTES),
    ];
    let documented = table().into_iter().filter(|(_, [_, flag, _])| flag.starts_with("fixed"));
    let documented: BTreeMap<&str, usize> =
        documented.map(|(limit, [default, _, _])| (limit, size(default).unwrap())).collect();
    assert_eq!(documented, BTreeMap::from(fixed));
}

#[test]
fn every_limit_says_what_the_client_sees() {
    assert!(table().values().all(|[_, _, seen]| !seen.is_empty()));
}
