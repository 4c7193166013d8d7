//! A session, a client and a model storage, joined by hand: bytes and calls go where the test says.

use super::model::{Answered, Model, may_overlap};
use crate::sftp::client::{self, Attributes, Decoder, Entry, Reply};
use crate::sftp::{CallId, Fatal, Limits, Options, RequestPolicy, Session, Started};
use crate::storage::{Answer, Call, Connected, Features, StoragePath};
use std::collections::{BTreeMap, HashMap, HashSet};

pub const NOW: i64 = 1_000_100_000;

pub fn limits() -> Limits {
    Limits {
        max_packet_bytes: 262_144,
        max_read_bytes: 261_120,
        max_handles: 50,
        max_calls_in_flight: 64,
        max_bytes_in_flight: 4 << 20,
        max_output_bytes: 1 << 20,
        max_path_bytes: 4096,
    }
}

pub fn options() -> Options {
    Options {
        limits: limits(),
        read_only: false,
        umask: 0o022,
        requests: RequestPolicy::permit_all(),
        start_directory: None,
        ignore_unsupported_attributes: false,
        utc_offset_seconds: 0,
        user: "alice".to_owned(),
        show_names: None,
    }
}

pub fn connected(features: Features) -> Connected {
    let home = StoragePath::resolve(&StoragePath::root(), "/home").unwrap();
    Connected { features, home, transfer_size: 0, notes: Vec::new() }
}

/// Numbers that look random and are the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

pub struct Rig {
    pub session: Session,
    pub model: Model,
    pub in_flight: Vec<(CallId, Call<'static>)>,
    pub replies: BTreeMap<u32, Reply>,
    /// Which requests were answered, in that order.
    pub replied: Vec<u32>,
    pub version: Option<Reply>,
    /// Every call that was started.
    pub started: Vec<Call<'static>>,
    /// What writes in flight carry, by the index of their call.
    written: HashMap<usize, Vec<u8>>,
    decoder: Decoder,
    next_id: u32,
    features: Features,
}

impl Default for Rig {
    fn default() -> Self {
        Self::with(options(), Features::all())
    }
}

impl Rig {
    /// A session that has not said INIT.
    pub fn silent(options: Options, features: Features) -> Self {
        let mut model = Model::new();
        model.put("/home", crate::storage::FileKind::Directory, b"");
        let mut session = Session::new(options, connected(features));
        session.set_now(NOW);
        Self {
            session,
            model,
            in_flight: Vec::new(),
            replies: BTreeMap::new(),
            replied: Vec::new(),
            version: None,
            started: Vec::new(),
            written: HashMap::new(),
            decoder: Decoder::default(),
            next_id: 100,
            features,
        }
    }

    pub fn with(options: Options, features: Features) -> Self {
        let mut rig = Self::silent(options, features);
        rig.send(&client::init(3));
        rig.run();
        assert!(rig.version.is_some());
        rig
    }

    pub fn new() -> Self {
        Self::default()
    }

    pub fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Bytes arrive.
    pub fn send(&mut self, bytes: &[u8]) {
        self.session.input().extend_from_slice(bytes);
    }

    /// Starts all that can start, and takes all that is to be sent.
    pub fn start(&mut self) -> Result<(), Fatal> {
        let result = self.start_calls();
        self.receive();
        result
    }

    /// Starts all that can start.
    pub fn start_calls(&mut self) -> Result<(), Fatal> {
        let result = loop {
            match self.session.next_call() {
                Ok(Some(Started { id, call })) => {
                    let call = detach(call, self.written.entry(id.index()).or_default());
                    for (_, other) in &self.in_flight {
                        assert!(may_overlap(other, &call), "{call:?} while {other:?}");
                    }
                    self.started.push(call.clone());
                    self.in_flight.push((id, call));
                }
                Ok(None) => break Ok(()),
                Err(fatal) => break Err(fatal),
            }
        };
        let slots: HashSet<usize> = self.in_flight.iter().map(|(id, _)| id.index()).collect();
        assert_eq!(slots.len(), self.in_flight.len(), "two calls in flight have one index");
        assert_eq!(self.session.calls_in_flight(), self.in_flight.len());
        result
    }

    /// The client receives all that is there for it.
    pub fn receive(&mut self) {
        self.receive_some(usize::MAX);
        assert!(self.decoder.is_empty());
    }

    /// The client receives so many bytes at most.
    pub fn receive_some(&mut self, max_bytes: usize) {
        let bytes = self.session.output();
        let bytes = &bytes[..bytes.len().min(max_bytes)];
        self.decoder.push(bytes);
        self.session.sent(bytes.len());
        while let Some((id, reply)) = self.decoder.next_reply().unwrap() {
            match id {
                // To each INIT the same.
                None => assert_eq!(*self.version.get_or_insert_with(|| reply.clone()), reply),
                Some(id) => {
                    self.replied.push(id);
                    let old = self.replies.insert(id, reply);
                    assert_eq!(old, None, "request {id} is answered twice");
                }
            }
        }
    }

    /// The storage answers one call, as a list or by appending as the number says.
    pub fn answer(&mut self, position: usize) {
        let (id, call) = self.in_flight.remove(position);
        let is_read = matches!(call, Call::Read { .. });
        match self.ask_model(id, call) {
            Ok(Answer::Data(data)) if is_read && id.index() % 2 == 0 => {
                self.session.complete_read(id, |out, length| {
                    out.extend_from_slice(&data[..data.len().min(length)]);
                    Ok(())
                });
            }
            Err(error) if is_read && id.index() % 2 == 0 => self.session.complete_read(id, |_, _| Err(error)),
            answer => self.session.complete(id, answer),
        }
    }

    fn ask_model(&mut self, id: CallId, call: Call<'static>) -> Answered {
        match call {
            Call::Write { file, offset, .. } => {
                let data = self.written.get(&id.index()).map(Vec::as_slice).unwrap_or_default();
                self.model.answer(Call::Write { file, offset, data })
            }
            call => self.model.answer(call),
        }
    }

    pub fn answer_with(&mut self, position: usize, answer: Answered) {
        let (id, _) = self.in_flight.remove(position);
        self.session.complete(id, answer);
    }

    /// Starts and answers, the oldest call first, until nothing is left to do.
    pub fn run(&mut self) {
        self.start().unwrap();
        while !self.in_flight.is_empty() {
            self.answer(0);
            self.start().unwrap();
        }
    }

    /// As [`Rig::run`], in an order that the dice say.
    pub fn run_shuffled(&mut self, dice: &mut Dice) {
        self.start().unwrap();
        while !self.in_flight.is_empty() {
            self.answer(dice.below(self.in_flight.len()));
            self.start().unwrap();
        }
    }

    /// Sends one request and answers its calls.
    pub fn ask(&mut self, make: impl FnOnce(u32) -> Vec<u8>) -> Reply {
        let id = self.id();
        let packet = make(id);
        self.send(&packet);
        self.run();
        self.replies.remove(&id).unwrap_or_else(|| panic!("request {id} is not answered"))
    }

    /// Sends a request and answers nothing.
    pub fn post(&mut self, make: impl FnOnce(u32) -> Vec<u8>) -> u32 {
        let id = self.id();
        let packet = make(id);
        self.send(&packet);
        self.start().unwrap();
        id
    }

    /// The reply that comes without any answer of the storage, if one does.
    pub fn ask_now(&mut self, make: impl FnOnce(u32) -> Vec<u8>) -> Option<Reply> {
        let id = self.post(make);
        self.replies.remove(&id)
    }

    pub fn status_now(&mut self, make: impl FnOnce(u32) -> Vec<u8>) -> u32 {
        status_of(&self.ask_now(make).unwrap())
    }

    pub fn status(&mut self, make: impl FnOnce(u32) -> Vec<u8>) -> u32 {
        status_of(&self.ask(make))
    }

    pub fn open(&mut self, path: &str, flags: u32) -> Vec<u8> {
        match self.ask(|id| client::open(id, path.as_bytes(), flags, &Attributes::default())) {
            Reply::Handle(handle) => handle,
            other => panic!("{path}: {other:?}"),
        }
    }

    pub fn opendir(&mut self, path: &str) -> Vec<u8> {
        match self.ask(|id| client::opendir(id, path.as_bytes())) {
            Reply::Handle(handle) => handle,
            other => panic!("{path}: {other:?}"),
        }
    }

    pub fn stat(&mut self, path: &str) -> Attributes {
        attributes_of(self.ask(|id| client::stat(id, path.as_bytes())))
    }

    /// The end of input, and a look that nothing is left behind.
    pub fn finish(mut self) {
        self.wind_up();
        assert!(self.model.session_closed);
        assert!(matches!(self.started.last(), Some(Call::CloseSession)));
    }

    /// As [`Rig::finish`], though a storage that was lost at the end may not have heard of it.
    pub fn wind_up(&mut self) {
        self.session.end(true);
        self.run();
        assert!(self.session.is_finished());
        assert!(self.session.is_clean());
        assert_eq!(
            (self.session.open_handles(), self.session.queued_calls(), self.session.bytes_in_flight()),
            (0, 0, 0)
        );
        assert!(self.session.output().is_empty() && !self.session.wants_input());
    }

    /// The instance dies with all that is open in it.
    pub fn lose_storage(&mut self) {
        self.in_flight.clear();
        self.model.die();
        self.session.storage_lost();
        self.start().unwrap();
    }

    pub fn restore_storage(&mut self) {
        self.session.storage_restored(connected(self.features));
    }
}

/// A call that outlives the buffer that its bytes were in: what a write carries goes to `written`.
fn detach(call: Call<'_>, written: &mut Vec<u8>) -> Call<'static> {
    macro_rules! same {
        ($($variant:ident { $($field:ident),* }),* $(,)?) => {
            match call {
                Call::Write { file, offset, data } => {
                    written.clear();
                    written.extend_from_slice(data);
                    Call::Write { file, offset, data: &[] }
                }
                Call::CloseSession => Call::CloseSession,
                $(Call::$variant { $($field),* } => Call::$variant { $($field),* },)*
            }
        };
    }
    same! {
        Open { file, path, flags, permissions },
        OpenDirectory { directory, path },
        Stat { path, follow },
        SetStat { path, follow, changes },
        RealPath { path },
        MakeDirectory { path, permissions },
        RemoveDirectory { path },
        Remove { path },
        Rename { source, destination, replace },
        ReadLink { path },
        Symlink { target, path },
        HardLink { existing, path },
        Usage { path },
        Read { file, offset, length },
        FileStat { file },
        FileSetStat { file, changes },
        FileUsage { file },
        FileSync { file },
        Copy { source, source_offset, length, destination, destination_offset },
        CloseFile { file, ending },
        ReadDirectory { directory, max },
        CloseDirectory { directory },
    }
}

pub fn status_of(reply: &Reply) -> u32 {
    match reply {
        Reply::Status { code, message, language } => {
            assert!(!message.is_empty() && language.is_empty() && *code <= 8);
            *code
        }
        other => panic!("{other:?}"),
    }
}

pub fn attributes_of(reply: Reply) -> Attributes {
    match reply {
        Reply::Attributes(attributes) => attributes,
        other => panic!("{other:?}"),
    }
}

pub fn names_of(reply: Reply) -> Vec<Entry> {
    match reply {
        Reply::Names(names) => names,
        other => panic!("{other:?}"),
    }
}

/// The one name of a reply, which stands in it twice and has no attributes.
pub fn single_name_of(reply: Reply) -> Vec<u8> {
    let [entry] = names_of(reply).try_into().unwrap();
    assert_eq!(entry.name, entry.long_name);
    assert_eq!(entry.attributes, Attributes::default());
    entry.name
}

pub fn data_of(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Data(data) => data,
        other => panic!("{other:?}"),
    }
}

pub fn extended_of(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Extended(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}
