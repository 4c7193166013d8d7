//! Any bytes from a client: how they are cut into pieces changes nothing, each whole request is answered once, and what a
//! client wrote is what the storage is asked. Any bytes from a server, to the client half that the tests rely on.

use crate::model::Model;
use crate::rig::{NOW, connected, limits, options};
use crate::sftp::client::{self, Attributes, Decoder, Reply};
use crate::sftp::{Fatal, Session, Started};
use crate::storage::{AttributeChanges, Call, Features, FileKind, Timestamp, escape};
use arbitrary::Unstructured;

const INIT: u8 = 1;

pub fn run(input: &[u8]) {
    let Some((&choice, bytes)) = input.split_first() else { return };
    decode(bytes);
    attributes_arrive(bytes);
    let stream = if choice & 1 == 0 { [client::init(3).as_slice(), bytes].concat() } else { bytes.to_vec() };
    let whole = converse(&stream, usize::MAX);
    let pieces = converse(&stream, usize::from(choice >> 1) + 1);
    assert_eq!(whole, pieces, "pieces of {} bytes", (choice >> 1) + 1);
    check_replies(&stream, &whole);
}

fn decode(bytes: &[u8]) {
    let mut decoder = Decoder::default();
    decoder.push(bytes);
    while let Ok(Some(_)) = decoder.next_reply() {}
}

/// All that a server said, and why it gave up if it did.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    bytes: Vec<u8>,
    fatal: Option<Fatal>,
}

/// Sends `stream` in pieces, to a server that answers at once.
fn converse(stream: &[u8], piece_bytes: usize) -> Said {
    let mut server = Server::new();
    let mut rest = stream;
    let mut fatal = None;
    while fatal.is_none() && !rest.is_empty() {
        assert!(server.session.wants_input());
        let input = server.session.input();
        let spare = input.capacity() - input.len();
        assert!(spare > 0);
        let (now, later) = rest.split_at(rest.len().min(spare).min(piece_bytes));
        input.extend_from_slice(now);
        rest = later;
        fatal = server.serve().err();
    }
    server.session.end(true);
    assert_eq!(server.serve(), Ok(()));
    assert!(server.session.is_finished() && server.session.is_clean() && server.model.session_closed);
    Said { bytes: server.said, fatal }
}

struct Server {
    session: Session,
    model: Model,
    said: Vec<u8>,
}

impl Server {
    fn new() -> Self {
        let mut session = Session::new(options(), connected(Features::all()));
        session.set_now(NOW);
        let mut model = Model::new();
        model.put("/home", FileKind::Directory, b"");
        model.put("/home/f", FileKind::Regular, &[7; 300]);
        model.put_link("/home/l", "f");
        Self { session, model, said: Vec::new() }
    }

    fn serve(&mut self) -> Result<(), Fatal> {
        let result = loop {
            match self.session.next_call() {
                Ok(Some(Started { id, call })) => {
                    let answer = self.model.answer(call);
                    self.session.complete(id, answer);
                }
                Ok(None) => break Ok(()),
                Err(fatal) => break Err(fatal),
            }
            self.send();
        };
        self.send();
        result
    }

    fn send(&mut self) {
        self.said.extend_from_slice(self.session.output());
        self.session.sent(self.session.output().len());
    }
}

/// One VERSION to each INIT, and one reply to each request, whatever it was.
fn check_replies(stream: &[u8], said: &Said) {
    let mut decoder = Decoder::default();
    decoder.push(&said.bytes);
    let (mut versions, mut ids) = (0, Vec::new());
    while let Some((id, reply)) = decoder.next_reply().expect("replies that can be read") {
        match id {
            None => versions += 1,
            Some(id) => ids.push(id),
        }
        if let Reply::Status { code, message, .. } = reply {
            assert!(code <= 8 && !message.is_empty());
        }
    }
    assert!(decoder.is_empty());
    let (inits, mut expected) = requests(stream);
    // OpenSSH's order is kept by the lanes, but a refusal needs no storage and may overtake.
    ids.sort_unstable();
    expected.sort_unstable();
    assert_eq!((versions, ids), (inits, expected));
}

/// How many INITs a stream has, and the ids of the whole requests, up to the first mistake in it. A request too short to
/// have an id is answered as request 0.
fn requests(mut stream: &[u8]) -> (usize, Vec<u32>) {
    let (mut inits, mut ids) = (0, Vec::new());
    while let Some((length, rest)) = stream.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 || length > limits().max_packet_bytes || (inits == 0 && rest.first() != Some(&INIT)) {
            break;
        }
        let Some((packet, rest)) = rest.split_at_checked(length) else { break };
        let Some((&kind, body)) = packet.split_first() else { break };
        match (kind, body.first_chunk::<4>()) {
            (INIT, Some(_)) => inits += 1,
            (INIT, None) => break,
            (_, Some(id)) => ids.push(u32::from_be_bytes(*id)),
            (_, None) => ids.push(0),
        }
        stream = rest;
    }
    (inits, ids)
}

fn attributes_arrive(bytes: &[u8]) {
    let Ok(sent) = any_attributes(&mut Unstructured::new(bytes)) else { return };
    let mut server = Server::new();
    server.session.input().extend_from_slice(&client::init(3));
    server.session.input().extend_from_slice(&client::setstat(1, b"f", &sent));
    if let Ok(Some(Started { call, .. })) = server.session.next_call() {
        let Call::SetStat { changes, follow: true, .. } = call else { panic!("{call:?}") };
        assert_eq!(changes, expected_changes(&sent));
    }
}

fn expected_changes(sent: &Attributes) -> AttributeChanges {
    let owner = |id: u32| if id == u32::MAX { None } else { Some(id) };
    let time = |seconds: u32| Timestamp { seconds: i64::from(seconds), nanoseconds: 0 };
    AttributeChanges {
        size: sent.size,
        permissions: sent.permissions.map(|mode| (mode % 0o10000) as u16),
        uid: sent.owner.and_then(|(uid, _)| owner(uid)),
        gid: sent.owner.and_then(|(_, gid)| owner(gid)),
        accessed: sent.times.map(|(accessed, _)| time(accessed)),
        modified: sent.times.map(|(_, modified)| time(modified)),
        extended: sent.extended.iter().map(|(name, value)| (escape(name).into_owned(), value.clone())).collect(),
    }
}

fn any_attributes(choices: &mut Unstructured<'_>) -> arbitrary::Result<Attributes> {
    Ok(Attributes {
        size: choices.arbitrary()?,
        owner: choices.arbitrary()?,
        permissions: choices.arbitrary()?,
        times: choices.arbitrary()?,
        extended: choices.arbitrary()?,
    })
}
