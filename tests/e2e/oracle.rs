//! OpenSSH's own sftp-server as the oracle: the same packets to it and to a jail, over directories that are the same,
//! and the replies compared; first a script with every packet and flag, then requests from a seed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "oracle/beside.rs"]
mod beside;
#[path = "oracle/copies.rs"]
mod copies;
#[path = "oracle/differences.rs"]
mod differences;
#[path = "oracle/disk.rs"]
mod disk;
#[path = "oracle/facts.rs"]
mod facts;
#[path = "oracle/log.rs"]
mod log;
#[path = "oracle/opened.rs"]
mod opened;
#[path = "oracle/pair.rs"]
mod pair;
#[path = "oracle/planted.rs"]
mod planted;
#[path = "oracle/random.rs"]
mod random;
#[path = "oracle/request.rs"]
mod request;
#[path = "oracle/script.rs"]
mod script;
#[path = "oracle/seen.rs"]
mod seen;
#[path = "oracle/sight.rs"]
mod sight;

use pair::Pair;
use std::collections::BTreeSet;
use strongroom_tests::is_long;

#[test]
fn a_script_of_every_packet_and_flag_is_answered_as_by_openssh() {
    let mut met = BTreeSet::new();
    let mut report = String::new();
    let (mut asked, mut differed, mut has_met_paths) = (0, 0, false);
    for (name, part) in script::PARTS {
        let mut pair = Pair::new();
        part(&mut pair);
        println!("{name}: {} requests", pair.asked);
        pair.assert_same_tree();
        report.push_str(&pair.report());
        asked += pair.asked;
        differed += pair.met.values().sum::<usize>();
        has_met_paths |= pair.has_met_paths;
        met.extend(pair.met.keys().copied());
    }
    assert!(report.is_empty(), "\n{report}");
    tell(&format!("oracle, the script: {asked} requests, {differed} answers differed as a row asks for"));
    for (index, difference) in differences::ALLOWED.iter().enumerate() {
        assert!(met.contains(&index), "this difference is no longer there: {}", difference.reason);
    }
    assert!(has_met_paths, "this difference is no longer there: {}", differences::PATHS);
}

#[test]
fn random_requests_with_odd_seeds_are_answered_as_by_openssh() {
    random_requests("on disk", Pair::new, &random::ON_DISK, 1);
}

#[test]
fn random_requests_with_even_seeds_are_answered_as_by_openssh() {
    random_requests("on disk", Pair::new, &random::ON_DISK, 2);
}

#[test]
fn random_requests_are_answered_in_memory_as_by_openssh() {
    random_requests("in memory", Pair::in_memory, &random::IN_MEMORY, 1);
}

fn random_requests(place: &str, servers: fn() -> Pair, kept: &random::Kept, first_seed: u64) {
    let (seeds, requests) = if is_long() { (100, 20_000) } else { (25, 4_000) };
    let (mut asked, mut differed, mut mismatches) = (0, 0, Vec::new());
    for seed in (first_seed..).step_by(2).take(seeds) {
        let mut pair = servers();
        match random::run(&mut pair, kept, seed, requests) {
            Ok(()) => pair.assert_same_tree(),
            Err(mismatch) => mismatches.push(mismatch),
        }
        asked += pair.asked;
        differed += pair.met.values().sum::<usize>();
    }
    assert!(mismatches.is_empty(), "{}", mismatches.join("\n"));
    tell(&format!(
        "oracle, {place}, {seeds} seeds from {first_seed}: {asked} requests, {differed} answers differed as a row asks for"
    ));
}

fn tell(line: &str) {
    println!("noted: {line}");
}

#[test]
fn differences_are_few_and_each_has_its_reason() {
    let mut reasons: BTreeSet<&str> = differences::ALLOWED.iter().map(|difference| difference.reason).collect();
    reasons.insert(differences::PATHS);
    assert_eq!(reasons.len(), differences::ALLOWED.len() + 1);
    assert!(reasons.len() <= 15);
}
