//! Any bytes in: no panic, bounded memory, and an end that leaves nothing.

use super::rig::*;
use super::strain::{TIGHT, any_answer, check_bounds};
use crate::sftp::client::{self, *};
use crate::sftp::{Options, Started};
use crate::storage::{Call, Features, FileKind};
use proptest::prelude::*;

/// A rig that takes what the session gives it, with limits so low that they matter.
fn tight() -> Rig {
    Rig::silent(Options { limits: TIGHT, ..options() }, Features::all())
}

/// Gives `bytes` to a session in pieces as a transport would, answering its calls now and then.
fn feed(rig: &mut Rig, bytes: &[u8], dice: &mut Dice) {
    let mut rest = bytes;
    for _ in 0..10_000 {
        if rest.is_empty() {
            return;
        }
        if rig.session.wants_input() {
            let spare = {
                let buffer = rig.session.input();
                buffer.capacity() - buffer.len()
            };
            let (now, later) = rest.split_at(rest.len().min(spare).min(dice.below(600) + 1));
            rig.send(now);
            rest = later;
        }
        if rig.start().is_err() {
            return;
        }
        check_bounds(&rig.session, &TIGHT, false);
        if !rig.in_flight.is_empty() && dice.below(2) == 0 {
            rig.answer(dice.below(rig.in_flight.len()));
        }
    }
    panic!("the session does not take its input");
}

fn any_name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => prop::sample::select(vec!["/", "/home", "/f", "/d", "d/../f", "", ".", "/l"]).prop_map(|p| p.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ]
}

/// Handles that the session may have given out, and others.
fn any_handle() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0u32..5, 1u32..4).prop_map(|(slot, generation)| [slot.to_be_bytes(), generation.to_be_bytes()].concat()),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ]
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    let times = proptest::option::of(any::<(u32, u32)>());
    let rest = (
        proptest::option::of(0u64..2000),
        proptest::option::of(any::<(u32, u32)>()),
        proptest::option::of(any::<u32>()),
    );
    (rest, times).prop_map(|((size, owner, permissions), times)| Attributes {
        size,
        owner,
        permissions,
        times,
        extended: Vec::new(),
    })
}

/// Requests that make sense as far as their shape goes, some with bytes knocked out of them.
fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    let extension = prop::sample::select(vec![
        "posix-rename@openssh.com",
        "statvfs@openssh.com",
        "fstatvfs@openssh.com",
        "hardlink@openssh.com",
        "fsync@openssh.com",
        "lsetstat@openssh.com",
        "limits@openssh.com",
        "expand-path@openssh.com",
        "home-directory",
        "other",
    ]);
    let good = prop_oneof![
        3 => (any_name(), 0u32..64, any_attributes()).prop_map(|(path, flags, a)| client::open(0, &path, flags, &a)),
        2 => any_handle().prop_map(|h| client::close(0, &h)),
        3 => (any_handle(), 0u64..1000, 0u32..2000).prop_map(|(h, offset, length)| client::read(0, &h, offset, length)),
        3 => (any_handle(), 0u64..1000, proptest::collection::vec(any::<u8>(), 0..1500))
            .prop_map(|(h, offset, data)| client::write(0, &h, offset, &data)),
        1 => any_handle().prop_map(|h| client::fstat(0, &h)),
        1 => (any_handle(), any_attributes()).prop_map(|(h, a)| client::fsetstat(0, &h, &a)),
        2 => any_name().prop_map(|p| client::opendir(0, &p)),
        2 => any_handle().prop_map(|h| client::readdir(0, &h)),
        1 => any_name().prop_map(|p| client::stat(0, &p)),
        1 => (any_name(), any_attributes()).prop_map(|(p, a)| client::setstat(0, &p, &a)),
        1 => (any_name(), any_attributes()).prop_map(|(p, a)| client::mkdir(0, &p, &a)),
        1 => any_name().prop_map(|p| client::rmdir(0, &p)),
        1 => any_name().prop_map(|p| client::remove(0, &p)),
        1 => any_name().prop_map(|p| client::realpath(0, &p)),
        1 => any_name().prop_map(|p| client::readlink(0, &p)),
        1 => (any_name(), any_name()).prop_map(|(a, b)| client::rename(0, &a, &b)),
        1 => (any_name(), any_name()).prop_map(|(a, b)| client::symlink(0, &a, &b)),
        2 => (extension, any_name(), any_handle(), any_attributes()).prop_map(|(name, path, handle, attributes)| {
            let packet = Packet::extended(0, name);
            if name.starts_with('f') { packet.string(&handle) } else { packet.string(&path).string(&path) }
                .attributes(&attributes)
                .finish()
        }),
        1 => (any_handle(), any_handle(), 0u64..500).prop_map(|(a, b, length)| {
            Packet::extended(0, "copy-data").string(&a).u64(0).u64(length).string(&b).u64(9).finish()
        }),
        1 => (any_name(), 0u32..600).prop_map(|(path, block)| {
            Packet::extended(0, "check-file-name").string(&path).string(b"md5").u64(0).u64(0).u32(block).finish()
        }),
        1 => (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(kind, body)| Packet::request(kind.max(2), 0).raw(&body).finish()),
    ];
    (good, proptest::option::weighted(0.1, any::<(prop::sample::Index, u8)>())).prop_map(|(mut packet, damage)| {
        if let Some((position, byte)) = damage
            && packet.len() > 9
        {
            let position = 9 + position.index(packet.len() - 9);
            packet[position] = byte;
        }
        packet
    })
}

/// Each request has an id of its own, so that the rig can see that each is answered once.
fn numbered(packets: &[Vec<u8>]) -> (Vec<u8>, u32) {
    let mut bytes = client::init(3);
    let mut next = 1_000_000u32;
    for packet in packets {
        let mut packet = packet.clone();
        packet[5..9].copy_from_slice(&next.to_be_bytes());
        bytes.extend_from_slice(&packet);
        next += 1;
    }
    (bytes, next - 1_000_000)
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..4000), with_init: bool, seed: u64) {
        let mut rig = tight();
        let mut dice = Dice::new(seed);
        if with_init {
            feed(&mut rig, &client::init(3), &mut dice);
        }
        feed(&mut rig, &bytes, &mut dice);
        rig.finish();
    }

    #[test]
    fn any_requests_are_each_answered_once(
        packets in proptest::collection::vec(any_packet(), 0..60),
        seed: u64,
    ) {
        let mut rig = tight();
        rig.model.put("/f", FileKind::Regular, &[5; 700]);
        rig.model.put_link("/l", "f");
        rig.model.max_copy = Some(60);
        let mut dice = Dice::new(seed);
        let (bytes, count) = numbered(&packets);
        feed(&mut rig, &bytes, &mut dice);
        rig.run_shuffled(&mut dice);
        prop_assert_eq!(rig.replies.len(), count as usize);
        rig.finish();
    }

    #[test]
    fn any_session_can_be_given_up_or_lost_at_any_time(
        packets in proptest::collection::vec(any_packet(), 0..40),
        cut: prop::sample::Index,
        lose: bool,
        seed: u64,
    ) {
        let mut rig = tight();
        rig.model.put("/f", FileKind::Regular, &[5; 700]);
        rig.model.max_copy = Some(60);
        let mut dice = Dice::new(seed);
        let (bytes, _) = numbered(&packets);
        feed(&mut rig, &bytes[..cut.index(bytes.len() + 1)], &mut dice);
        if lose {
            rig.lose_storage();
            feed(&mut rig, b"", &mut dice);
            rig.restore_storage();
            rig.start().unwrap();
        }
        rig.session.end(false);
        rig.run_shuffled(&mut dice);
        rig.finish();
    }

    /// Whatever a storage answers, the session holds.
    #[test]
    fn any_answers_are_survived(
        packets in proptest::collection::vec(any_packet(), 0..40),
        answers in proptest::collection::vec(0u8..9, 0..80),
    ) {
        let mut rig = tight();
        let (bytes, _) = numbered(&packets);
        let mut answers = answers.into_iter().cycle();
        rig.session.input().extend_from_slice(&bytes);
        for _ in 0..2000 {
            let mut idle = true;
            let ended = rig.session.is_finished();
            while let Ok(Some(Started { id, call })) = rig.session.next_call() {
                idle = false;
                // A close and the end are told truly: what the model would watch is not the point here.
                let truly = matches!(call, Call::CloseFile { .. } | Call::CloseDirectory { .. } | Call::CloseSession);
                let answer = if truly { 0 } else { answers.next().unwrap_or(0) };
                rig.session.complete(id, any_answer(answer));
            }
            rig.receive();
            if ended {
                break;
            }
            if idle {
                rig.session.end(true);
            }
        }
        prop_assert!(rig.session.is_finished() && rig.session.is_clean());
    }
}
