//! OpenSSH's own sftp-server as the oracle: the same packets to it and to a jail, over directories that are the same,
//! and the replies compared; first a script with every packet and flag, then requests from a seed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "oracle/differences.rs"]
mod differences;
#[path = "oracle/pair.rs"]
mod pair;
#[path = "oracle/random.rs"]
mod random;
#[path = "oracle/request.rs"]
mod request;
#[path = "oracle/script.rs"]
mod script;
#[path = "oracle/seen.rs"]
mod seen;

use pair::Pair;
use std::collections::BTreeSet;
use strongroom_tests::is_long;

#[test]
fn a_script_of_every_packet_and_flag_is_answered_as_by_openssh() {
    let mut met = BTreeSet::new();
    let mut report = String::new();
    for (name, part) in script::PARTS {
        let mut pair = Pair::new();
        part(&mut pair);
        println!("{name}: {} requests", pair.asked);
        pair.assert_same_tree();
        report.push_str(&pair.report());
        met.append(&mut pair.met);
    }
    assert!(report.is_empty(), "\n{report}");
    for (index, difference) in differences::ALLOWED.iter().enumerate() {
        assert!(met.contains(&index), "this difference is no longer there: {}", difference.reason);
    }
}

#[test]
fn random_requests_are_answered_as_by_openssh() {
    let (seeds, requests) = if is_long() { (40, 10_000) } else { (8, 1_500) };
    for seed in 1..=seeds {
        let mut pair = Pair::new();
        random::run(&mut pair, seed, requests);
        pair.assert_same_tree();
    }
}

#[test]
fn differences_are_few_and_each_has_its_reason() {
    assert!(differences::ALLOWED.len() <= 15);
    let reasons: BTreeSet<&str> = differences::ALLOWED.iter().map(|difference| difference.reason).collect();
    assert_eq!(reasons.len(), differences::ALLOWED.len());
}
