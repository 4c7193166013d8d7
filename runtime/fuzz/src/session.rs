//! A session with a model storage: requests, answers, faults and endings in any order. The rig and the model watch that
//! no two calls overlap that must not, that what is opened is closed once, and that nothing is answered twice; here, that
//! limits hold, that each request is answered, and that a session leaves nothing behind.

use crate::rig::{Rig, limits, options};
use crate::sftp::client::{self, Reply};
use crate::sftp::{CallId, Limits, Names, Options, RequestPolicy};
use crate::storage::{Call, Features, FileKind};
use crate::storages::{any_error, odd_answer};
use crate::strain::{TIGHT, check_bounds};
use crate::{log, requests};
use arbitrary::{Result, Unstructured};
use std::collections::HashSet;
use std::sync::Arc;

/// One input of so many has its log read, which takes longer.
const LOGGED: usize = 4;

pub fn run(input: &[u8]) {
    if input.len().is_multiple_of(LOGGED) { log::watched(|| converse(input)) } else { converse(input) }
}

fn converse(input: &[u8]) {
    let mut choices = Unstructured::new(input);
    let Ok(mut trial) = Trial::begin(&mut choices) else { return };
    while !choices.is_empty() && trial.step(&mut choices).is_ok() {}
    trial.finish();
}

struct Trial {
    rig: Rig,
    limits: Limits,
    /// Whether the client receives whatever there is at once.
    receives: bool,
    handles: Vec<Vec<u8>>,
    sent: HashSet<u32>,
    answered: HashSet<u32>,
    past: Vec<CallId>,
    is_lost: bool,
    is_ending: bool,
    /// There may have been no storage to be told of the end.
    lost_at_end: bool,
    /// Some requests may have been left without an answer.
    given_up: bool,
}

struct SomeNames;

impl Names for SomeNames {
    fn user(&self, uid: u32) -> Option<String> {
        uid.is_multiple_of(2).then(|| format!("user{uid}"))
    }

    fn group(&self, gid: u32) -> Option<String> {
        gid.is_multiple_of(3).then(|| "staff".to_owned())
    }
}

impl Trial {
    fn begin(choices: &mut Unstructured<'_>) -> Result<Self> {
        let limits = if choices.arbitrary()? { TIGHT } else { limits() };
        let options = any_options(choices, limits.clone())?;
        let features = match choices.int_in_range(0..=3u8)? {
            0 => Features::from_bits_truncate(choices.arbitrary()?),
            _ => Features::all(),
        };
        let mut rig = Rig::silent(options, features);
        rig.model.put("/f", FileKind::Regular, &[5; 700]);
        rig.model.put("/d", FileKind::Directory, b"");
        rig.model.put("/d/g", FileKind::Regular, b"hello");
        rig.model.put_link("/l", "f");
        rig.model.put_link("/loop", "loop");
        rig.model.max_copy = Some(60);
        let mut trial = Self {
            rig,
            limits,
            receives: choices.arbitrary()?,
            handles: Vec::new(),
            sent: HashSet::new(),
            answered: HashSet::new(),
            past: Vec::new(),
            is_lost: false,
            is_ending: false,
            lost_at_end: false,
            given_up: false,
        };
        if choices.int_in_range(0..=31u8)? != 0 {
            trial.rig.send(&client::init(3));
            trial.advance();
        }
        Ok(trial)
    }

    fn step(&mut self, choices: &mut Unstructured<'_>) -> Result<()> {
        match choices.int_in_range(0..=31u8)? {
            0..=12 => self.request(choices, false)?,
            13 => self.request(choices, true)?,
            14..=19 => self.answer(choices)?,
            20 => self.answer_by_error(choices)?,
            21..=25 => self.answer_oddly(choices)?,
            26 => self.answer_again(choices)?,
            27 => {
                let max_bytes = choices.int_in_range(0..=3000usize)?;
                self.rig.receive_some(max_bytes);
            }
            28 => self.lose_or_restore(),
            29 => self.rig.receive(),
            30 => self.end(choices)?,
            _ => {
                if self.rig.session.wants_input() && choices.int_in_range(0..=7u8)? == 0 {
                    self.rig.send(&client::init(3));
                }
            }
        }
        self.advance();
        Ok(())
    }

    fn request(&mut self, choices: &mut Unstructured<'_>, damaged: bool) -> Result<()> {
        if !self.rig.session.wants_input() {
            return Ok(());
        }
        let id = self.rig.id();
        let mut packet = requests::any(choices, id, &self.handles)?;
        if damaged {
            packet = requests::damage(choices, packet)?;
        }
        if packet.len() - 4 > self.limits.max_packet_bytes {
            self.given_up = true;
        }
        self.sent.insert(id);
        self.rig.send(&packet);
        Ok(())
    }

    fn choose_call(&self, choices: &mut Unstructured<'_>) -> Result<Option<usize>> {
        match self.rig.in_flight.len() {
            0 => Ok(None),
            count => Ok(Some(choices.int_in_range(0..=count - 1)?)),
        }
    }

    fn answer(&mut self, choices: &mut Unstructured<'_>) -> Result<()> {
        if let Some(position) = self.choose_call(choices)? {
            self.past.push(self.rig.in_flight[position].0);
            self.rig.answer(position);
        }
        Ok(())
    }

    fn answer_by_error(&mut self, choices: &mut Unstructured<'_>) -> Result<()> {
        if let Some(position) = self.choose_call(choices)? {
            if !matches!(self.rig.in_flight[position].1, Call::CloseSession) {
                self.rig.model.failures.push_back(any_error(choices)?);
            }
            self.rig.answer(position);
        }
        Ok(())
    }

    /// The model carries the call out, but for one that opens, and the session hears something else.
    fn answer_oddly(&mut self, choices: &mut Unstructured<'_>) -> Result<()> {
        if let Some(position) = self.choose_call(choices)? {
            let call = self.rig.in_flight[position].1.clone();
            let answer = odd_answer(choices, &call)?;
            if !matches!(call, Call::Open { .. } | Call::OpenDirectory { .. } | Call::Write { .. }) {
                // What it said is not what is told.
                let _ = self.rig.model.answer(call);
            }
            self.rig.answer_with(position, answer);
        }
        Ok(())
    }

    /// An answer to what may have been answered already.
    fn answer_again(&mut self, choices: &mut Unstructured<'_>) -> Result<()> {
        if let Some(&id) = choices.choose_iter(self.past.iter()).ok()
            && !self.rig.in_flight.iter().any(|(other, _)| *other == id)
        {
            self.rig.session.complete(id, Err(any_error(choices)?));
        }
        Ok(())
    }

    fn lose_or_restore(&mut self) {
        if self.is_lost {
            self.rig.restore_storage();
        } else {
            self.past.extend(self.rig.in_flight.drain(..).map(|(id, _)| id));
            self.rig.model.die();
            self.rig.session.storage_lost();
            self.lost_at_end |= self.is_ending;
        }
        self.is_lost = !self.is_lost;
    }

    fn end(&mut self, choices: &mut Unstructured<'_>) -> Result<()> {
        if choices.int_in_range(0..=3u8)? == 0 {
            let serve_received: bool = choices.arbitrary()?;
            self.given_up |= !serve_received;
            self.rig.session.end(serve_received);
            self.is_ending = true;
            self.lost_at_end |= self.is_lost;
        }
        Ok(())
    }

    fn advance(&mut self) {
        self.given_up |= self.rig.start_calls().is_err();
        check_bounds(&self.rig.session, &self.limits, self.is_ending);
        if self.receives {
            self.rig.receive();
        }
        self.look_at_replies();
    }

    fn look_at_replies(&mut self) {
        for (id, reply) in std::mem::take(&mut self.rig.replies) {
            assert!(self.sent.contains(&id), "{id} was never asked");
            assert!(self.answered.insert(id), "{id} is answered twice");
            match reply {
                Reply::Handle(handle) => self.handles.push(handle),
                Reply::Status { code, message, .. } => assert!(code <= 8 && !message.is_empty()),
                Reply::Data(data) => assert!(data.len() <= self.limits.max_read_bytes),
                Reply::Names(names) => {
                    assert!(names.iter().all(|entry| !entry.name.contains(&0) && !entry.long_name.contains(&0)));
                }
                _ => {}
            }
        }
    }

    fn finish(mut self) {
        if self.is_lost {
            self.lose_or_restore();
        }
        self.receives = true;
        self.advance();
        while !self.rig.in_flight.is_empty() {
            self.rig.answer(0);
            self.advance();
        }
        assert!(self.given_up || self.answered == self.sent);
        self.rig.wind_up();
        assert!(self.lost_at_end || self.rig.model.session_closed);
    }
}

fn any_options(choices: &mut Unstructured<'_>, limits: Limits) -> Result<Options> {
    let lists: [Option<&str>; 4] = [None, None, Some("open,read,close,stat,opendir,readdir"), Some(" limits ,, write")];
    let allowed = *choices.choose(&lists)?;
    let denied = *choices.choose(&lists)?;
    Ok(Options {
        limits,
        read_only: choices.int_in_range(0..=7u8)? == 0,
        requests: RequestPolicy::parse(allowed, denied).expect("lists of names that exist"),
        start_directory: choices.choose(&[None, Some("d"), Some("/d/"), Some("\0")])?.map(str::to_owned),
        ignore_unsupported_attributes: choices.arbitrary()?,
        utc_offset_seconds: choices.int_in_range(-50_000..=50_000)?,
        show_names: if choices.arbitrary()? { Some(Arc::new(SomeNames)) } else { None },
        ..options()
    })
}
