//! How sessions end and what becomes of them when the storage dies under them, in every phase.

use super::rig::*;
use crate::sftp::client::{self, *};
use crate::storage::{Answer, Call, Ending, Features, FileKind};

fn plain() -> Attributes {
    Attributes::default()
}

#[test]
fn an_end_without_init_closes_the_session_only() {
    let rig = Rig::silent(options(), Features::all());
    rig.finish();
}

#[test]
fn the_end_discards_what_is_open_and_closes_the_session_last() {
    let mut rig = Rig::new();
    rig.open("/f", WRITE | CREATE);
    rig.open("/g", WRITE | CREATE);
    rig.opendir("/");
    rig.session.end(true);
    rig.run();
    assert_eq!(rig.model.closed, [Ending::Discard, Ending::Discard]);
    assert!(rig.model.session_closed);
    rig.finish();
}

#[test]
fn what_was_received_whole_is_served_before_the_end() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    let (writing, closing, half) = (rig.id(), rig.id(), rig.id());
    rig.send(&client::write(writing, &handle, 0, b"all of it"));
    rig.send(&client::close(closing, &handle));
    let packet = client::remove(half, b"/f");
    rig.send(&packet[..packet.len() - 1]);
    rig.session.end(true);
    rig.run();
    assert_eq!((status_of(&rig.replies[&writing]), status_of(&rig.replies[&closing])), (OK, OK));
    assert!(!rig.replies.contains_key(&half));
    assert_eq!(rig.model.data("/f"), b"all of it");
    assert_eq!(rig.model.closed, [Ending::Commit]);
    rig.finish();
}

#[test]
fn a_file_is_closed_when_the_calls_on_it_are_done() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", READ | WRITE | CREATE);
    rig.post(|id| client::read(id, &handle, 0, 1));
    rig.post(|id| client::read(id, &handle, 0, 1));
    rig.session.end(true);
    rig.start().unwrap();
    assert_eq!(rig.in_flight.len(), 2);
    rig.answer(0);
    rig.start().unwrap();
    assert_eq!(rig.in_flight.len(), 1);
    rig.answer(0);
    rig.start().unwrap();
    assert!(matches!(rig.in_flight[..], [(_, Call::CloseFile { ending: Ending::Discard, .. })]));
    rig.run();
    rig.finish();
}

#[test]
fn giving_up_answers_what_waits_with_failure_and_closes_everything() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    let first = rig.post(|id| client::write(id, &handle, 0, b"a"));
    let second = rig.post(|id| client::write(id, &handle, 1, b"b"));
    let closing = rig.post(|id| client::close(id, &handle));
    let opening = rig.post(|id| client::open(id, b"/g", WRITE | CREATE, &plain()));
    let looking = rig.post(|id| client::stat(id, b"/g"));
    let unseen = rig.id();
    rig.send(&client::stat(unseen, b"/"));
    rig.session.end(false);
    rig.run();
    assert_eq!(status_of(&rig.replies[&first]), OK);
    assert_eq!(status_of(&rig.replies[&second]), FAILURE);
    assert_eq!(status_of(&rig.replies[&looking]), FAILURE);
    assert!(matches!(rig.replies[&opening], Reply::Handle(_)));
    // The client asked for a commit of what is not all there.
    assert_eq!(status_of(&rig.replies[&closing]), FAILURE);
    assert_eq!(rig.model.closed.len(), 2);
    assert!(rig.model.closed.iter().all(|ending| *ending == Ending::Discard));
    assert!(!rig.replies.contains_key(&unseen));
    rig.finish();
}

#[test]
fn giving_up_in_the_middle_of_a_request_of_many_calls() {
    for answered in 0..3 {
        let mut rig = Rig::new();
        rig.model.put("/f", FileKind::Regular, &[1; 1000]);
        rig.model.max_copy = Some(10);
        let from = rig.open("/f", READ);
        let to = rig.open("/g", WRITE | CREATE);
        rig.post(|id| client::opendir(id, b"/"));
        rig.post(|id| {
            Packet::extended(id, "check-file-name").string(b"/f").string(b"md5").u64(0).u64(0).u32(0).finish()
        });
        rig.post(|id| Packet::extended(id, "copy-data").string(&from).u64(0).u64(0).string(&to).u64(0).finish());
        assert_eq!(rig.in_flight.len(), 3);
        for _ in 0..answered {
            for _ in 0..3 {
                if !rig.in_flight.is_empty() {
                    rig.answer(0);
                }
            }
            rig.start().unwrap();
        }
        rig.session.end(false);
        rig.run();
        assert_eq!(rig.replies.len(), 3);
        rig.finish();
    }
}

#[test]
fn giving_up_does_not_wait_for_all_the_calls_of_a_request() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, &[1; 1000]);
    rig.model.max_copy = Some(10);
    let (from, to) = (rig.open("/f", READ), rig.open("/g", WRITE | CREATE));
    let copy = |id| Packet::extended(id, "copy-data").string(&from).u64(0).u64(1000).string(&to).u64(0).finish();
    let id = rig.post(copy);
    // The look where the source ends.
    rig.answer(0);
    rig.start().unwrap();
    rig.session.end(false);
    rig.run();
    assert_eq!(status_of(&rig.replies[&id]), FAILURE);
    assert_eq!(rig.model.data("/g").len(), 10);
    rig.finish();
}

#[test]
fn an_end_can_be_hurried() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    let ids: Vec<u32> = (0..3).map(|n| rig.post(|id| client::write(id, &handle, n, b"x"))).collect();
    rig.session.end(true);
    rig.start().unwrap();
    rig.session.end(false);
    rig.session.end(true);
    rig.run();
    let codes: Vec<u32> = ids.iter().map(|id| status_of(&rig.replies[id])).collect();
    assert_eq!(codes, [OK, FAILURE, FAILURE]);
    rig.finish();
}

#[test]
fn a_blocked_output_does_not_keep_an_end_from_being_hurried() {
    let mut rig = Rig::new();
    while rig.session.wants_input() {
        let id = rig.id();
        rig.send(&Packet::extended(id, "limits@openssh.com").finish());
        assert!(rig.session.next_call().unwrap().is_none());
    }
    let unseen = rig.id();
    rig.send(&client::stat(unseen, b"/"));
    rig.session.end(true);
    assert!(rig.session.next_call().unwrap().is_none());
    assert!(!rig.session.is_finished());
    rig.session.end(false);
    assert!(matches!(rig.session.next_call().unwrap().unwrap().call, Call::CloseSession));
}

#[test]
fn a_lost_storage_answers_everything_that_was_in_flight() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"abc");
    let handle = rig.open("/f", READ | WRITE);
    let directory = rig.opendir("/");
    let in_flight = [
        rig.post(|id| client::read(id, &handle, 0, 1)),
        rig.post(|id| client::readdir(id, &directory)),
        rig.post(|id| client::stat(id, b"/")),
    ];
    let on_handles = [
        rig.post(|id| client::write(id, &handle, 0, b"x")),
        rig.post(|id| client::fstat(id, &handle)),
        rig.post(|id| client::close(id, &directory)),
    ];
    let paths = [rig.post(|id| client::mkdir(id, b"/d", &plain())), rig.post(|id| client::stat(id, b"/d"))];
    assert_eq!(rig.in_flight.len(), 3);
    rig.lose_storage();
    for id in in_flight.iter().chain(&on_handles) {
        assert_eq!(status_of(&rig.replies[id]), FAILURE);
    }
    assert_eq!((rig.session.calls_in_flight(), rig.session.queued_calls()), (0, 2));
    assert_eq!(rig.status_now(|id| client::read(id, &handle, 0, 1)), FAILURE);
    rig.restore_storage();
    rig.run();
    assert_eq!(status_of(&rig.replies[&paths[0]]), OK);
    assert!(matches!(rig.replies[&paths[1]], Reply::Attributes(_)));
    assert_eq!(rig.status(|id| client::read(id, &handle, 0, 1)), FAILURE);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"x")), FAILURE);
    assert_eq!(rig.status(|id| client::close(id, &handle)), FAILURE);
    assert_eq!(rig.status(|id| client::close(id, &handle)), NO_SUCH_FILE);
    assert_eq!(rig.session.open_handles(), 0);
    rig.finish();
}

#[test]
fn a_late_answer_of_a_lost_instance_changes_nothing() {
    let mut rig = Rig::new();
    rig.post(|id| client::stat(id, b"/"));
    let (late, _) = rig.in_flight[0];
    rig.lose_storage();
    rig.restore_storage();
    let asked = rig.post(|id| client::stat(id, b"/"));
    rig.session.complete(late, Ok(Answer::Done));
    rig.run();
    assert!(matches!(rig.replies[&asked], Reply::Attributes(_)));
    rig.finish();
}

#[test]
fn a_place_in_the_order_dies_with_its_job() {
    let mut rig = Rig::new();
    rig.post(|id| client::opendir(id, b"/"));
    rig.post(|id| client::stat(id, b"/"));
    // The first goes on with its next call, which is not started any more.
    rig.answer(0);
    rig.lose_storage();
    let making = rig.post(|id| client::mkdir(id, b"/d", &plain()));
    let removing = rig.post(|id| client::rmdir(id, b"/d"));
    rig.restore_storage();
    rig.run();
    assert_eq!((status_of(&rig.replies[&making]), status_of(&rig.replies[&removing])), (OK, OK));
    rig.finish();
}

#[test]
fn handles_of_a_new_instance_are_not_mistaken_for_old_ones() {
    let mut rig = Rig::new();
    let old = rig.open("/f", WRITE | CREATE);
    rig.lose_storage();
    rig.restore_storage();
    let new = rig.open("/g", WRITE | CREATE);
    assert_ne!(old, new);
    assert_eq!(rig.status(|id| client::write(id, &old, 0, b"x")), FAILURE);
    assert_eq!(rig.status(|id| client::write(id, &new, 0, b"y")), OK);
    assert_eq!(rig.model.data("/f"), b"");
    rig.finish();
}

#[test]
fn the_home_and_features_of_a_new_instance_count() {
    let mut rig = Rig::new();
    rig.lose_storage();
    let mut fresh = connected(Features::empty());
    fresh.home = crate::storage::StoragePath::root();
    rig.session.storage_restored(fresh);
    assert_eq!(single_name_of(rig.ask(|id| client::realpath(id, b"."))), b"/");
    assert_eq!(rig.status(|id| client::readlink(id, b"/l")), OP_UNSUPPORTED);
    rig.finish();
}

#[test]
fn requests_wait_while_there_is_no_storage() {
    let mut rig = Rig::new();
    rig.lose_storage();
    let asked = rig.post(|id| client::stat(id, b"/"));
    assert!(rig.in_flight.is_empty() && !rig.replies.contains_key(&asked));
    assert!(matches!(rig.ask_now(|id| Packet::extended(id, "limits@openssh.com").finish()), Some(Reply::Extended(_))));
    rig.restore_storage();
    rig.run();
    assert!(matches!(rig.replies[&asked], Reply::Attributes(_)));
    rig.finish();
}

/// Loses the storage after each number of calls of a session that does everything, and ends it in each of three ways.
#[test]
fn a_storage_lost_in_every_phase() {
    for phase in 0..60 {
        for ending in 0..4 {
            let mut rig = Rig::new();
            rig.model.put("/f", FileKind::Regular, &[1; 1000]);
            rig.model.max_copy = Some(300);
            let mut dice = Dice::new(phase);
            let (from, to, listing) = (rig.open("/f", READ | WRITE), rig.open("/g", WRITE | CREATE), rig.opendir("/"));
            let mut ids = vec![
                rig.post(|id| client::open(id, b"/f", READ, &plain())),
                rig.post(|id| client::opendir(id, b"/home")),
                rig.post(|id| {
                    Packet::extended(id, "copy-data").string(&from).u64(0).u64(0).string(&to).u64(0).finish()
                }),
                rig.post(|id| client::write(id, &to, 0, b"x")),
                rig.post(|id| client::read(id, &from, 0, 10)),
                rig.post(|id| client::mkdir(id, b"/d", &plain())),
                rig.post(|id| {
                    Packet::extended(id, "check-file-name").string(b"/f").string(b"md5").u64(0).u64(0).u32(0).finish()
                }),
                rig.post(|id| client::readdir(id, &listing)),
                rig.post(|id| client::close(id, &to)),
                rig.post(|id| client::stat(id, b"/d")),
            ];
            if ending == 3 {
                rig.session.end(true);
                rig.start().unwrap();
            }
            for _ in 0..phase {
                if !rig.in_flight.is_empty() {
                    rig.answer(dice.below(rig.in_flight.len()));
                    rig.start().unwrap();
                }
            }
            rig.lose_storage();
            assert_eq!(rig.session.calls_in_flight(), 0);
            match ending {
                0 | 3 => rig.restore_storage(),
                1 => rig.session.end(false),
                _ => {
                    rig.restore_storage();
                    ids.push(rig.post(|id| client::stat(id, b"/")));
                    rig.session.end(true);
                }
            }
            rig.run();
            assert!(ids.iter().all(|id| rig.replies.contains_key(id)), "phase {phase}, ending {ending}");
            rig.session.end(true);
            rig.run();
            assert!(rig.session.is_finished() && rig.session.is_clean(), "phase {phase}, ending {ending}");
            assert!(rig.model.files.is_empty() && rig.model.directories.is_empty());
        }
    }
}
