//! What the process gives up before it serves. This program is its own subject too: started with a word of
//! `subject::WORDS` it has one thread, calls the library's `confine` as the server does, tries what must not work any more, and says
//! how each try ended. So it has no harness of cargo's, which would start threads first.

#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "confine/calls.rs"]
mod calls;
#[path = "confine/server.rs"]
mod server;
#[path = "confine/subject.rs"]
mod subject;

use std::panic::catch_unwind;
use std::process::ExitCode;

type Test = (&'static str, fn());

const TESTS: &[Test] = &[
    ("each_forbidden_call_is_refused", calls::each_forbidden_call_is_refused),
    ("calls_with_a_condition_are_refused_without_it", calls::calls_with_a_condition_are_refused_without_it),
    ("files_outside_are_closed_to_every_thread", calls::files_outside_are_closed_to_every_thread),
    ("what_is_granted_stays_open", calls::what_is_granted_stays_open),
    ("the_log_is_found_again_by_its_own_socket_only", calls::the_log_is_found_again_by_its_own_socket_only),
    ("a_network_grant_opens_its_port_and_nothing_else", calls::a_network_grant_opens_its_port_and_nothing_else),
    ("every_thread_of_a_session_is_confined", server::every_thread_of_a_session_is_confined),
    ("a_session_cannot_be_looked_into_by_its_own_user", server::a_session_cannot_be_looked_into_by_its_own_user),
    ("it_is_switched_off_by_name", server::it_is_switched_off_by_name),
    ("a_kernel_that_lacks_it_is_told_of_or_refused", server::a_kernel_that_lacks_it_is_told_of_or_refused),
    ("names_of_owners_are_still_known", server::names_of_owners_are_still_known),
    ("the_log_goes_on_after_a_rotation", server::the_log_goes_on_after_a_rotation),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if subject::run(&words) {
        return ExitCode::SUCCESS;
    }
    let wanted = words.iter().find(|word| !word.starts_with('-'));
    let chosen = TESTS.iter().filter(|(name, _)| wanted.is_none_or(|wanted| name.contains(wanted.as_str())));
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in chosen {
        let is_ok = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if is_ok { "ok" } else { "FAILED" });
        if is_ok { passed += 1 } else { failed += 1 }
    }
    println!("\ntest result: {}. {passed} passed; {failed} failed", if failed == 0 { "ok" } else { "FAILED" });
    ExitCode::from(u8::from(failed > 0))
}
