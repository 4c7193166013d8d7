//! What the operator's rules refuse, and what becomes of answers that nobody should give.

use super::rig::*;
use crate::sftp::client::{self, *};
use crate::sftp::{Options, RequestPolicy};
use crate::storage::{Answer, Error, ErrorCode, Features, FileKind};

fn plain() -> Attributes {
    Attributes::default()
}

#[test]
fn denied_requests_are_permission_denied() {
    let requests = RequestPolicy::parse(None, Some("remove,setstat,readdir,write")).unwrap();
    let mut rig = Rig::with(Options { requests, ..options() }, Features::all());
    rig.model.put("/f", FileKind::Regular, b"");
    assert_eq!(rig.status(|id| client::remove(id, b"/f")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &plain())), PERMISSION_DENIED);
    // As under OpenSSH, opening for writing is not writing.
    let handle = rig.open("/f", WRITE);
    assert_eq!(rig.status(|id| client::write(id, &handle, 0, b"x")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::fsetstat(id, &handle, &plain())), OK);
    let directory = rig.opendir("/");
    assert_eq!(rig.status(|id| client::readdir(id, &directory)), PERMISSION_DENIED);
    rig.finish();
}

#[test]
fn only_allowed_requests_are_served() {
    let requests = RequestPolicy::parse(Some("realpath,stat,posix-rename"), Some("stat")).unwrap();
    let mut rig = Rig::with(Options { requests, ..options() }, Features::all());
    assert_eq!(single_name_of(rig.ask(|id| client::realpath(id, b"."))), b"/home");
    assert_eq!(rig.status(|id| client::stat(id, b"/")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::lstat(id, b"/")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::opendir(id, b"/")), PERMISSION_DENIED);
    rig.finish();
}

#[test]
fn read_only_refuses_every_request_that_changes_something() {
    let mut rig = Rig::with(Options { read_only: true, ..options() }, Features::all());
    let two = |name: &'static str| move |id| Packet::extended(id, name).string(b"/a").string(b"/b").finish();
    assert_eq!(rig.status(|id| client::remove(id, b"/f")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::mkdir(id, b"/f", &plain())), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::rmdir(id, b"/f")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::rename(id, b"/f", b"/g")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::symlink(id, b"/f", b"/g")), PERMISSION_DENIED);
    assert_eq!(rig.status(|id| client::setstat(id, b"/f", &plain())), PERMISSION_DENIED);
    assert_eq!(rig.status(two("posix-rename@openssh.com")), PERMISSION_DENIED);
    assert_eq!(rig.status(two("hardlink@openssh.com")), PERMISSION_DENIED);
    let lsetstat = |id| Packet::extended(id, "lsetstat@openssh.com").string(b"/a").attributes(&plain()).finish();
    assert_eq!(rig.status(lsetstat), PERMISSION_DENIED);
    let fsync = |id| Packet::extended(id, "fsync@openssh.com").string(b"x").finish();
    assert_eq!(rig.status(fsync), PERMISSION_DENIED);
    let copy = |id| Packet::extended(id, "copy-data").string(b"x").u64(0).u64(0).string(b"y").u64(0).finish();
    assert_eq!(rig.status(copy), PERMISSION_DENIED);
    assert!(rig.started.is_empty());
    rig.finish();
}

#[test]
fn an_answer_that_does_not_fit_is_a_failure() {
    let mut rig = Rig::new();
    rig.model.put("/f", FileKind::Regular, b"abc");
    let handle = rig.open("/f", READ);
    let directory = rig.opendir("/");
    let requests: Vec<Box<dyn Fn(u32) -> Vec<u8>>> = vec![
        Box::new(|id| client::stat(id, b"/")),
        Box::new(|id| client::realpath(id, b"/")),
        Box::new(|id| client::readlink(id, b"/")),
        Box::new(|id| client::mkdir(id, b"/x", &plain())),
        Box::new(|id| client::open(id, b"/f", READ, &plain())),
        Box::new(|id| client::opendir(id, b"/")),
        Box::new(|id| client::read(id, &handle, 0, 10)),
        Box::new(|id| client::readdir(id, &directory)),
        Box::new(|id| client::fstat(id, &handle)),
        Box::new(|id| Packet::extended(id, "statvfs@openssh.com").string(b"/").finish()),
    ];
    for request in requests {
        let id = rig.post(request);
        rig.answer_with(0, Ok(Answer::Copied(7)));
        rig.run();
        assert_eq!(status_of(&rig.replies[&id]), FAILURE);
    }
    let id = rig.post(|id| client::read(id, &handle, 0, 2));
    rig.answer_with(0, Ok(Answer::Data(vec![0; 3])));
    rig.run();
    assert_eq!(status_of(&rig.replies[&id]), FAILURE);
    assert_eq!(rig.session.open_handles(), 2);
    rig.finish();
}

#[test]
fn an_answer_that_comes_twice_changes_nothing() {
    let mut rig = Rig::new();
    rig.post(|id| client::stat(id, b"/"));
    let (id, _) = rig.in_flight[0];
    rig.run();
    rig.session.complete(id, Ok(Answer::Done));
    rig.session.complete_read(id, |out, _| {
        out.push(1);
        Ok(())
    });
    rig.start().unwrap();
    assert!(rig.session.output().is_empty());
    rig.finish();
}

#[test]
fn data_by_a_read_for_what_is_no_read_is_a_failure() {
    let mut rig = Rig::new();
    let asked = rig.post(|id| client::stat(id, b"/"));
    let (id, _) = rig.in_flight.remove(0);
    rig.session.complete_read(id, |out, _| {
        out.push(1);
        Ok(())
    });
    rig.run();
    assert_eq!(status_of(&rig.replies[&asked]), FAILURE);
    rig.finish();
}

#[test]
fn a_guests_message_reaches_the_client_and_its_detail_does_not() {
    let mut rig = Rig::new();
    let error = Error {
        code: ErrorCode::QuotaExceeded,
        message: "10 MB\x07 left".to_owned(),
        detail: Some("bucket secret".to_owned()),
    };
    rig.model.failures.push_back(error);
    let Reply::Status { code, message, .. } = rig.ask(|id| client::stat(id, b"/")) else { panic!() };
    assert_eq!((code, message.as_str()), (FAILURE, "10 MB left"));
    rig.finish();
}

#[test]
fn calls_and_bytes_in_flight_are_limited() {
    let mut few = options();
    few.limits.max_calls_in_flight = 5;
    let mut rig = Rig::with(few, Features::all());
    let ids: Vec<u32> = (0..20).map(|_| rig.id()).collect();
    for id in &ids {
        rig.send(&client::stat(*id, b"/"));
    }
    rig.start().unwrap();
    assert_eq!(rig.in_flight.len(), 5);
    assert!(!rig.session.wants_input());
    rig.run();
    assert!(ids.iter().all(|id| rig.replies.contains_key(id)));
    rig.finish();

    let mut few = options();
    few.limits.max_bytes_in_flight = 100_000;
    let mut rig = Rig::with(few, Features::all());
    let handle = rig.open("/f", READ | WRITE | CREATE);
    for _ in 0..20 {
        let id = rig.id();
        rig.send(&client::write(id, &handle, 0, &[1; 30_000]));
        let id = rig.id();
        rig.send(&client::read(id, &handle, 0, 30_000));
    }
    rig.start().unwrap();
    assert_eq!(rig.in_flight.len() + rig.session.queued_calls(), 4);
    assert!((100_000..130_100).contains(&rig.session.bytes_in_flight()));
    assert!(!rig.session.wants_input());
    rig.run();
    assert_eq!(rig.replies.len(), 40);
    rig.finish();
}

#[test]
fn one_request_is_let_in_whatever_the_limits() {
    let mut none = options();
    none.limits.max_bytes_in_flight = 0;
    none.limits.max_calls_in_flight = 0;
    none.limits.max_output_bytes = 0;
    let mut rig = Rig::with(none, Features::all());
    assert!(rig.stat("/").permissions.is_some());
    rig.finish();
}
