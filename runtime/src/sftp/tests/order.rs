//! The order that the contract promises; the rig watches at every start that nothing overlaps that must not.

use super::rig::*;
use crate::sftp::client::{self, *};
use crate::storage::{Call, ErrorCode, Features, FileKind};

fn plain() -> Attributes {
    Attributes::default()
}

#[test]
fn reads_overlap_and_writes_do_not() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"0123456789");
    let handle = rig.open("/f", READ | WRITE);
    for _ in 0..5 {
        rig.post(|id| client::read(id, &handle, 0, 10));
    }
    rig.post(|id| client::fstat(id, &handle));
    assert_eq!(rig.in_flight.len(), 6);
    let writing = rig.post(|id| client::write(id, &handle, 0, b"xxxxx"));
    let reading = rig.post(|id| client::read(id, &handle, 0, 10));
    assert_eq!(rig.in_flight.len(), 6);
    for _ in 0..5 {
        rig.answer(0);
        rig.start().unwrap();
    }
    assert_eq!(rig.in_flight.len(), 1);
    rig.run();
    assert_eq!(status_of(&rig.replies[&writing]), OK);
    assert_eq!(data_of(rig.replies.remove(&reading).unwrap()), b"xxxxx56789");
    rig.finish();
}

#[test]
fn a_close_waits_for_what_was_sent_before_it() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", READ | WRITE | CREATE);
    for n in 0..10u64 {
        rig.post(|id| client::write(id, &handle, n * 2, b"ab"));
        rig.post(|id| client::read(id, &handle, 0, 1));
    }
    rig.post(|id| client::close(id, &handle));
    assert_eq!(rig.session.open_handles(), 0);
    rig.run_shuffled(&mut Dice::new(7));
    assert_eq!(rig.model.data("/f").len(), 20);
    assert_eq!(rig.model.closed, [crate::storage::Ending::Commit]);
    rig.finish();
}

#[test]
fn paths_that_only_look_overlap_and_one_that_changes_runs_alone() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"");
    for _ in 0..3 {
        rig.post(|id| client::stat(id, b"/f"));
        rig.post(|id| client::realpath(id, b"/f"));
        rig.post(|id| client::open(id, b"/f", READ, &plain()));
    }
    assert_eq!(rig.in_flight.len(), 9);
    let gone = rig.post(|id| client::rename(id, b"/f", b"/g"));
    let old = rig.post(|id| client::stat(id, b"/f"));
    let new = rig.post(|id| client::stat(id, b"/g"));
    assert_eq!(rig.in_flight.len(), 9);
    rig.run_shuffled(&mut Dice::new(3));
    assert_eq!(status_of(&rig.replies[&gone]), OK);
    assert_eq!(status_of(&rig.replies[&old]), NO_SUCH_FILE);
    assert!(matches!(rig.replies[&new], Reply::Attributes(_)));
    rig.finish();
}

#[test]
fn files_and_paths_do_not_wait_for_one_another() {
    let mut rig = Rig::new();
    let one = rig.open("/1", WRITE | CREATE);
    let two = rig.open("/2", WRITE | CREATE);
    let listing = rig.opendir("/");
    rig.post(|id| client::write(id, &one, 0, b"x"));
    rig.post(|id| client::write(id, &two, 0, b"x"));
    rig.post(|id| client::readdir(id, &listing));
    rig.post(|id| client::mkdir(id, b"/d", &plain()));
    assert_eq!(rig.in_flight.len(), 4);
    rig.run();
    rig.finish();
}

#[test]
fn a_path_tells_what_was_written_before_through_the_file_that_is_open_by_it() {
    let mut rig = Rig::new();
    let writer = rig.open("/f", WRITE | CREATE);
    let reader = rig.open("/f", READ);
    rig.post(|id| client::write(id, &writer, 0, b"12345"));
    let before = rig.post(|id| client::stat(id, b"/f"));
    rig.post(|id| client::stat(id, b"/"));
    let read = rig.post(|id| client::read(id, &reader, 0, 9));
    let cut = rig.post(|id| client::setstat(id, b"/f", &Attributes { size: Some(2), ..plain() }));
    rig.post(|id| client::write(id, &writer, 2, b"c"));
    let after = rig.post(|id| client::stat(id, b"/f"));
    assert_eq!(rig.in_flight.len(), 2);
    rig.run_shuffled(&mut Dice::new(5));
    let size = |id: &u32| match &rig.replies[id] {
        Reply::Attributes(attributes) => attributes.size,
        other => panic!("{other:?}"),
    };
    assert_eq!((size(&before), size(&after)), (Some(5), Some(3)));
    assert_eq!(rig.replies[&read], Reply::Data(b"12345".to_vec()));
    assert_eq!(status_of(&rig.replies[&cut]), OK);
    rig.finish();
}

#[test]
fn readdir_one_at_a_time() {
    let mut rig = Rig::new();
    for number in 0..150 {
        rig.model.put(&format!("/home/{number}"), FileKind::Regular, b"");
    }
    let handle = rig.opendir("/home");
    let ids: Vec<u32> = (0..4).map(|_| rig.post(|id| client::readdir(id, &handle))).collect();
    assert_eq!(rig.in_flight.len(), 1);
    rig.run();
    let counts: Vec<usize> = ids[..2].iter().map(|id| names_of(rig.replies.remove(id).unwrap()).len()).collect();
    assert_eq!(counts, [100, 52]);
    assert!(ids[2..].iter().all(|id| status_of(&rig.replies[id]) == EOF));
    rig.finish();
}

#[test]
fn a_copy_waits_for_both_of_its_files() {
    let mut rig = Rig::new();
    let from = rig.open("/a", READ | WRITE | CREATE);
    let to = rig.open("/b", READ | WRITE | CREATE);
    rig.post(|id| client::write(id, &from, 0, b"abc"));
    rig.post(|id| client::write(id, &to, 0, b"xxxxxx"));
    rig.post(|id| Packet::extended(id, "copy-data").string(&from).u64(0).u64(3).string(&to).u64(1).finish());
    let read_source = rig.post(|id| client::read(id, &from, 0, 10));
    let read_target = rig.post(|id| client::read(id, &to, 0, 10));
    assert_eq!(rig.in_flight.len(), 2);
    rig.answer(1);
    rig.start().unwrap();
    assert_eq!(rig.in_flight.len(), 1);
    rig.answer(0);
    rig.start().unwrap();
    // The source may be read meanwhile, the destination may not.
    assert!(matches!(rig.in_flight[..], [(_, Call::FileStat { .. }), (_, Call::Read { .. })]));
    rig.answer(0);
    rig.start().unwrap();
    assert!(matches!(rig.in_flight[..], [(_, Call::Read { .. }), (_, Call::Copy { .. })]));
    rig.run_shuffled(&mut Dice::new(5));
    assert_eq!(data_of(rig.replies.remove(&read_source).unwrap()), b"abc");
    assert_eq!(data_of(rig.replies.remove(&read_target).unwrap()), b"xabcxx");
    rig.finish();
}

/// Two handles may be one file under two names: an end that moved along with the copy would never come.
#[test]
fn a_copy_to_the_end_goes_to_where_the_end_was_before_it() {
    let mut rig = Rig::new();
    rig.model.put("/a", FileKind::Regular, b"abcdef");
    let (from, to) = (rig.open("/a", READ), rig.open("/b", WRITE | CREATE));
    rig.post(|id| Packet::extended(id, "copy-data").string(&from).u64(2).u64(0).string(&to).u64(0).finish());
    assert!(matches!(rig.in_flight[..], [(_, Call::FileStat { .. })]));
    rig.answer(0);
    rig.start().unwrap();
    assert!(matches!(rig.in_flight[..], [(_, Call::Copy { source_offset: 2, length: Some(4), .. })]));
    rig.run();
    assert_eq!(rig.model.data("/b"), b"cdef");
    rig.finish();
}

#[test]
fn copies_across_each_other_come_to_an_end() {
    let mut rig = Rig::new();
    rig.model.put("/a", FileKind::Regular, b"aaaa");
    rig.model.put("/b", FileKind::Regular, b"bbbb");
    let one = rig.open("/a", READ | WRITE);
    let two = rig.open("/b", READ | WRITE);
    for (from, to) in [(&one, &two), (&two, &one), (&one, &two), (&two, &one)] {
        rig.post(|id| Packet::extended(id, "copy-data").string(from).u64(0).u64(2).string(to).u64(1).finish());
    }
    rig.run_shuffled(&mut Dice::new(11));
    rig.finish();
}

#[test]
fn writes_that_wait_keep_their_bytes() {
    let mut rig = Rig::new();
    let handle = rig.open("/f", WRITE | CREATE);
    let mut expected = Vec::new();
    for n in 0..40u8 {
        let data = vec![n; 1000 + usize::from(n)];
        let offset = expected.len() as u64;
        rig.post(|id| client::write(id, &handle, offset, &data));
        expected.extend_from_slice(&data);
    }
    rig.run();
    assert_eq!(rig.model.data("/f"), expected);
    rig.finish();
}

/// What a random client does: each step is independent of others that may be in flight, so that its answer is the same
/// whatever the order of completions.
#[derive(Clone, Debug)]
enum Step {
    Open,
    Write { handle: usize, offset: u8, byte: u8, length: u8 },
    Read { handle: usize, offset: u8, length: u8 },
    Cut { handle: usize, size: u8 },
    FileStat { handle: usize },
    Sync { handle: usize },
    Copy { from: usize, to: usize, length: u8 },
    Close { handle: usize },
    Make { name: u8 },
    RemoveDirectory { name: u8 },
    Rename { from: u8, to: u8 },
    Stat { name: u8 },
    Link { name: u8, target: u8 },
    Remove { name: u8 },
    RealPath { name: u8 },
    OpenAgain { file: usize, truncate: bool },
    StatFile { file: usize },
    CutFile { file: usize, size: u8 },
}

fn steps() -> impl proptest::strategy::Strategy<Value = Vec<Step>> {
    use proptest::prelude::*;
    let handle = 0..6usize;
    let name = 0..4u8;
    proptest::collection::vec(
        prop_oneof![
            2 => Just(Step::Open),
            4 => (handle.clone(), any::<u8>(), any::<u8>(), any::<u8>())
                .prop_map(|(handle, offset, byte, length)| Step::Write { handle, offset, byte, length }),
            4 => (handle.clone(), any::<u8>(), any::<u8>())
                .prop_map(|(handle, offset, length)| Step::Read { handle, offset, length }),
            1 => (handle.clone(), any::<u8>()).prop_map(|(handle, size)| Step::Cut { handle, size }),
            1 => handle.clone().prop_map(|handle| Step::FileStat { handle }),
            1 => handle.clone().prop_map(|handle| Step::Sync { handle }),
            1 => (handle.clone(), handle.clone(), any::<u8>())
                .prop_map(|(from, to, length)| Step::Copy { from, to, length }),
            1 => (handle.clone(), any::<bool>()).prop_map(|(file, truncate)| Step::OpenAgain { file, truncate }),
            2 => handle.clone().prop_map(|file| Step::StatFile { file }),
            1 => (handle.clone(), any::<u8>()).prop_map(|(file, size)| Step::CutFile { file, size }),
            1 => handle.prop_map(|handle| Step::Close { handle }),
            1 => name.clone().prop_map(|name| Step::Make { name }),
            1 => name.clone().prop_map(|name| Step::RemoveDirectory { name }),
            1 => (name.clone(), name.clone()).prop_map(|(from, to)| Step::Rename { from, to }),
            2 => name.clone().prop_map(|name| Step::Stat { name }),
            1 => (name.clone(), name.clone()).prop_map(|(name, target)| Step::Link { name, target }),
            1 => name.clone().prop_map(|name| Step::Remove { name }),
            1 => name.prop_map(|name| Step::RealPath { name }),
        ],
        1..80,
    )
}

/// Sends all steps, waiting only for handles that later steps need, and gives back every reply in the order of requests.
fn play(steps: &[Step], mut dice: Option<Dice>) -> Vec<Reply> {
    let mut rig = Rig::with(options(), Features::all());
    rig.model.max_copy = Some(50);
    let mut ids = Vec::new();
    let mut handles: Vec<(u32, Option<Vec<u8>>)> = Vec::new();
    let file = |number: &usize| format!("/file{number}").into_bytes();
    for step in steps {
        let id = rig.id();
        let mut handle_of = |rig: &mut Rig, dice: &mut Option<Dice>, number: usize| -> Vec<u8> {
            let Some((id, handle)) = handles.get_mut(number) else { return b"none".to_vec() };
            while handle.is_none() {
                match rig.replies.get(id) {
                    Some(Reply::Handle(bytes)) => *handle = Some(bytes.clone()),
                    Some(other) => panic!("{other:?}"),
                    None => {
                        let position = dice.as_mut().map_or(0, |dice| dice.below(rig.in_flight.len()));
                        rig.answer(position);
                        rig.start().unwrap();
                    }
                }
            }
            handle.clone().unwrap()
        };
        let directory = |name: &u8| format!("/d{name}").into_bytes();
        let packet = match step {
            Step::Open => {
                let path = file(&handles.len());
                handles.push((id, None));
                client::open(id, &path, READ | WRITE | CREATE, &plain())
            }
            Step::OpenAgain { file: number, truncate } => {
                handles.push((id, None));
                let flags = if *truncate { READ | WRITE | CREATE | TRUNCATE } else { READ | WRITE | CREATE };
                client::open(id, &file(number), flags, &plain())
            }
            Step::StatFile { file: number } => client::stat(id, &file(number)),
            Step::CutFile { file: number, size } => {
                client::setstat(id, &file(number), &Attributes { size: Some(u64::from(*size)), ..plain() })
            }
            Step::Write { handle, offset, byte, length } => {
                let handle = handle_of(&mut rig, &mut dice, *handle);
                client::write(id, &handle, u64::from(*offset), &vec![*byte; usize::from(*length)])
            }
            Step::Read { handle, offset, length } => {
                let handle = handle_of(&mut rig, &mut dice, *handle);
                client::read(id, &handle, u64::from(*offset), u32::from(*length))
            }
            Step::Cut { handle, size } => {
                let handle = handle_of(&mut rig, &mut dice, *handle);
                client::fsetstat(id, &handle, &Attributes { size: Some(u64::from(*size)), ..plain() })
            }
            Step::FileStat { handle } => {
                let handle = handle_of(&mut rig, &mut dice, *handle);
                client::fstat(id, &handle)
            }
            Step::Sync { handle } => {
                let handle = handle_of(&mut rig, &mut dice, *handle);
                Packet::extended(id, "fsync@openssh.com").string(&handle).finish()
            }
            Step::Copy { from, to, length } => {
                let from = handle_of(&mut rig, &mut dice, *from);
                let to = handle_of(&mut rig, &mut dice, *to);
                let packet = Packet::extended(id, "copy-data").string(&from).u64(0).u64(u64::from(*length));
                packet.string(&to).u64(0).finish()
            }
            Step::Close { handle } => {
                let handle = handle_of(&mut rig, &mut dice, *handle);
                client::close(id, &handle)
            }
            Step::Make { name } => client::mkdir(id, &directory(name), &plain()),
            Step::RemoveDirectory { name } => client::rmdir(id, &directory(name)),
            Step::Rename { from, to } => client::rename(id, &directory(from), &directory(to)),
            Step::Stat { name } => client::stat(id, &directory(name)),
            Step::Link { name, target } => client::symlink(id, &directory(target), &directory(name)),
            Step::Remove { name } => client::remove(id, &directory(name)),
            Step::RealPath { name } => client::realpath(id, &directory(name)),
        };
        ids.push(id);
        rig.send(&packet);
        rig.start().unwrap();
        match &mut dice {
            None => rig.run(),
            // Now and then the storage gets something done while the client goes on sending.
            Some(dice) => {
                if !rig.in_flight.is_empty() && dice.below(3) == 0 {
                    rig.answer(dice.below(rig.in_flight.len()));
                    rig.start().unwrap();
                }
            }
        }
    }
    match &mut dice {
        None => rig.run(),
        Some(dice) => rig.run_shuffled(dice),
    }
    let replies = ids.iter().map(|id| match rig.replies.remove(id).unwrap() {
        Reply::Handle(_) => Reply::Handle(Vec::new()),
        reply => reply,
    });
    let replies = replies.collect();
    rig.finish();
    replies
}

proptest::proptest! {
    /// Whatever the order in which the storage finishes, a client is told what it would be told one call after another.
    #[test]
    fn any_order_of_completions_gives_the_same_answers(steps in steps(), seed: u64) {
        let calmly = play(&steps, None);
        let wildly = play(&steps, Some(Dice::new(seed)));
        proptest::prop_assert_eq!(calmly, wildly);
    }
}

#[test]
fn reads_of_one_file_are_answered_in_their_order_and_those_of_others_do_not_wait() {
    for seed in 0..20 {
        let mut rig = Rig::new();
        rig.model.put("/f", FileKind::Regular, &[7; 100]);
        rig.model.put("/g", FileKind::Regular, &[8; 100]);
        let (f, g) = (rig.open("/f", READ), rig.open("/g", READ));
        rig.replied.clear();
        // The last ones reach past the end.
        let reads: Vec<u32> = (0..12).map(|n| rig.post(|id| client::read(id, &f, n * 10, 10))).collect();
        let other = rig.post(|id| client::read(id, &g, 0, 10));
        assert_eq!(rig.in_flight.len(), 13, "all of them are asked for at once");
        rig.answer(12);
        rig.start().unwrap();
        assert_eq!(rig.replied, [other]);
        rig.run_shuffled(&mut Dice::new(seed));
        assert_eq!(rig.replied[1..], reads);
        assert_eq!(data_of(rig.replies.remove(&reads[9]).unwrap()), [7; 10]);
        assert_eq!(status_of(&rig.replies[&reads[11]]), EOF);
        rig.finish();
    }
}

#[test]
fn what_is_held_is_answered_when_the_read_before_it_fails_or_is_lost() {
    for lost in [false, true] {
        let mut rig = Rig::new();
        rig.model.put("/f", FileKind::Regular, b"0123456789");
        let handle = rig.open("/f", READ);
        let reads: Vec<u32> = (0..3).map(|n| rig.post(|id| client::read(id, &handle, n, 1))).collect();
        rig.replied.clear();
        rig.answer(2);
        rig.answer(1);
        rig.start().unwrap();
        assert!(rig.replied.is_empty());
        if lost {
            rig.lose_storage();
        } else {
            rig.answer_with(0, Err(ErrorCode::Failure.into()));
        }
        rig.start().unwrap();
        assert_eq!(rig.replied, reads);
        assert_eq!(status_of(&rig.replies[&reads[0]]), FAILURE);
        assert_eq!(data_of(rig.replies.remove(&reads[1]).unwrap()), b"1");
        assert_eq!(data_of(rig.replies.remove(&reads[2]).unwrap()), b"2");
        if lost {
            rig.restore_storage();
        }
        rig.finish();
    }
}

#[test]
fn what_is_held_is_answered_at_the_end_too() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"0123456789");
    let handle = rig.open("/f", READ);
    let reads: Vec<u32> = (0..2).map(|n| rig.post(|id| client::read(id, &handle, n, 1))).collect();
    rig.answer(1);
    rig.session.end(false);
    rig.run();
    assert_eq!(data_of(rig.replies.remove(&reads[0]).unwrap()), b"0");
    assert_eq!(data_of(rig.replies.remove(&reads[1]).unwrap()), b"1");
    assert!(rig.session.is_finished());
}
