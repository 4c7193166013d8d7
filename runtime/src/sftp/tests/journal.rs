//! The lines of the log: OpenSSH's wording, one event a line, everything foreign escaped.

use super::rig::*;
use crate::sftp::client::{self, *};
use crate::sftp::{Options, RequestPolicy};
use crate::storage::{Error, ErrorCode, Features, FileKind};
use std::fmt;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::subscriber::with_default;
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Keeps the lines of level INFO and above.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sftp" && *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push(message.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn lines(options: Options, play: impl FnOnce(&mut Rig)) -> Vec<String> {
    let lines = Lines::default();
    with_default(lines.clone(), || {
        let mut rig = Rig::with(options, Features::all());
        rig.model.put("/f", FileKind::Regular, b"abc");
        play(&mut rig);
        rig.finish();
    });
    let lines = lines.0.lock().unwrap().clone();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    lines
}

#[test]
fn row_28_files() {
    let lines = lines(options(), |rig| {
        let mode = Attributes { permissions: Some(0o600), ..Attributes::default() };
        let Reply::Handle(handle) = rig.ask(|id| client::open(id, b"/new", WRITE | CREATE | TRUNCATE, &mode)) else {
            panic!()
        };
        rig.status(|id| client::write(id, &handle, 0, b"12345"));
        rig.status(|id| client::close(id, &handle));
        let handle = rig.open("/f", READ);
        rig.ask(|id| client::read(id, &handle, 0, 2));
        rig.status(|id| client::close(id, &handle));
        let directory = rig.opendir("/home");
        rig.status(|id| client::close(id, &directory));
        rig.open("/f", READ);
    });
    assert_eq!(
        lines,
        [
            "open \"/new\" flags WRITE,CREATE,TRUNCATE mode 0600",
            "close \"/new\" bytes read 0 written 5",
            "open \"/f\" flags READ mode 0666",
            "close \"/f\" bytes read 2 written 0",
            "opendir \"/home\"",
            "closedir \"/home\"",
            "open \"/f\" flags READ mode 0666",
            "forced close \"/f\" bytes read 0 written 0",
        ]
    );
}

#[test]
fn row_28_paths_and_attributes() {
    let lines = lines(options(), |rig| {
        let two = |name: &'static str| move |id| Packet::extended(id, name).string(b"/f").string(b"/g").finish();
        rig.status(|id| client::mkdir(id, b"/d", &Attributes::default()));
        rig.status(|id| client::rmdir(id, b"/d"));
        rig.status(|id| client::rename(id, b"/f", b"/g"));
        rig.status(|id| client::rename(id, b"/g", b"/f"));
        rig.status(two("hardlink@openssh.com"));
        rig.status(two("posix-rename@openssh.com"));
        rig.status(|id| client::symlink(id, b"x", b"/l"));
        rig.status(|id| client::remove(id, b"/l"));
        rig.ask(|id| Packet::extended(id, "statvfs@openssh.com").string(b"/").finish());
        let all = Attributes {
            size: Some(1),
            permissions: Some(0o644),
            times: Some((0, 951_782_400)),
            owner: Some((1, 2)),
            ..Attributes::default()
        };
        rig.status(|id| client::setstat(id, b"/g", &all));
    });
    assert_eq!(
        lines,
        [
            "mkdir name \"/d\" mode 0777",
            "rmdir name \"/d\"",
            "rename old \"/f\" new \"/g\"",
            "rename old \"/g\" new \"/f\"",
            "hardlink old \"/f\" new \"/g\"",
            "posix-rename old \"/f\" new \"/g\"",
            "symlink old \"x\" new \"/l\"",
            "remove name \"/l\"",
            "statvfs \"/\"",
            "set \"/g\" size 1",
            "set \"/g\" mode 0644",
            "set \"/g\" modtime 20000229-00:00:00",
            "set \"/g\" owner 1 group 2",
        ]
    );
}

#[test]
fn row_28_statuses_other_than_success_and_end() {
    let lines = lines(options(), |rig| {
        let handle = rig.open("/f", READ);
        rig.status(|id| client::read(id, &handle, 100, 1));
        rig.status(|id| client::stat(id, b"/none"));
        let detail = Some("disk on fire\nreally".to_owned());
        rig.model.failures.push_back(Error { code: ErrorCode::Failure, message: "told".into(), detail });
        rig.status(|id| client::stat(id, b"/f"));
    });
    assert_eq!(
        lines[1..4],
        ["sent status No such file", "storage error Failure: \"disk on fire\\012really\"", "sent status Failure"]
    );
}

#[test]
fn names_cannot_forge_lines() {
    let lines = lines(options(), |rig| {
        rig.status(|id| client::remove(id, b"/a\" new\nsession opened\x1b[2J\xff\\"));
        rig.status(|id| client::symlink(id, b"t\n", b"/l"));
    });
    assert_eq!(lines[0], "remove name \"/a\\\" new\\012session opened\\033[2J\\377\\\\\"");
    assert_eq!(lines[2], "symlink old \"t\\012\" new \"/l\"");
}

#[test]
fn refusals() {
    let requests = RequestPolicy::parse(None, Some("remove")).unwrap();
    let lines = lines(Options { requests, read_only: true, ..options() }, |rig| {
        rig.status(|id| client::mkdir(id, b"/d", &Attributes::default()));
        rig.status(|id| client::open(id, b"/d", WRITE, &Attributes::default()));
    });
    assert_eq!(lines[0], "Refusing mkdir request in read-only mode");
    assert_eq!(lines[3], "Refusing open request in read-only mode");
}
