//! A server in the same process that knows of MongoDB what the storage asks of it, and misbehaves when it is told to: what a
//! real server does is found out elsewhere, with one.

#![allow(dead_code, reason = "each test uses its part")]

mod query;
mod store;

use bson::{Document, RawDocumentBuf, doc};
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
pub use store::Store;

/// A server, for as long as the process lives.
#[derive(Clone)]
pub struct Server {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    store: Store,
    commands: usize,
    connections: usize,
    seen: Vec<String>,
    /// The numbers of commands after which the connection ends: before the answer, but not before the work.
    cut: HashSet<usize>,
    /// What is sent in place of the next answer.
    instead: Option<Vec<u8>>,
    /// What another program does right before the next command of that name.
    before: Vec<(String, Change)>,
    /// What commands of those names are answered.
    always: HashMap<String, Document>,
}

type Change = Box<dyn FnOnce(&mut Store) + Send>;

impl Server {
    /// Starts one that has nothing.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, shared: Arc::default() };
        let shared = Arc::clone(&server.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                shared.lock().unwrap().connections += 1;
                std::thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        server
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The documents of a collection.
    pub fn documents(&self, collection: &str) -> Vec<Document> {
        self.shared.lock().unwrap().store.documents(collection).to_vec()
    }

    /// Has a document as another program would have written it.
    pub fn add(&self, collection: &str, document: Document) {
        self.shared.lock().unwrap().store.add(collection, document);
    }

    /// Changes what is there as another program would.
    pub fn change(&self, change: impl FnOnce(&mut Store)) {
        change(&mut self.shared.lock().unwrap().store);
    }

    /// Changes what is there as another program would, right before the next `command`: its name and its collection.
    pub fn before(&self, command: &str, change: impl FnOnce(&mut Store) + Send + 'static) {
        self.shared.lock().unwrap().before.push((command.to_owned(), Box::new(change)));
    }

    /// Answers each `command` so: its name and its collection, or its database if it is for all of that.
    pub fn answer_always(&self, command: &str, reply: Document) {
        self.shared.lock().unwrap().always.insert(command.to_owned(), reply);
    }

    /// How many commands there were so far.
    pub fn commands(&self) -> usize {
        self.shared.lock().unwrap().commands
    }

    pub fn connections(&self) -> usize {
        self.shared.lock().unwrap().connections
    }

    /// The commands since this was asked last, each with its collection, or its database.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().seen)
    }

    /// Ends the connection after so many more commands, when the last of them is done and not answered.
    pub fn cut_after(&self, commands: usize) {
        let mut shared = self.shared.lock().unwrap();
        let number = shared.commands + commands;
        shared.cut.insert(number);
    }

    /// Forgets all that was to go wrong.
    pub fn behave(&self) {
        self.shared.lock().unwrap().cut.clear();
    }

    /// Sends these bytes in place of the next answer.
    pub fn answer_next_by(&self, bytes: Vec<u8>) {
        self.shared.lock().unwrap().instead = Some(bytes);
    }
}

fn serve(mut stream: TcpStream, shared: &Mutex<Shared>) {
    stream.set_nodelay(true).unwrap();
    let mut header = [0; 16];
    while stream.read_exact(&mut header).is_ok() {
        let length = i32::from_le_bytes(header[..4].try_into().unwrap()) as usize;
        let mut rest = vec![0; length - 16];
        stream.read_exact(&mut rest).unwrap();
        let command = read_command(&rest);
        let mut shared = shared.lock().unwrap();
        let reply = answer(&mut shared, &command);
        let number = shared.commands;
        if shared.cut.remove(&number) {
            return;
        }
        let bytes = shared.instead.take().unwrap_or_else(|| message(&header[4..8], &reply));
        drop(shared);
        // In pieces, as a network may deliver it.
        let (first, second) = bytes.split_at(bytes.len().min(21));
        if stream.write_all(first).and_then(|()| stream.write_all(second)).is_err() {
            return;
        }
    }
}

/// A message of the server's with that answer.
pub fn message(request: &[u8], reply: &Document) -> Vec<u8> {
    let body = reply.to_vec().unwrap();
    let mut bytes = i32::try_from(21 + body.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(7_i32.to_le_bytes());
    bytes.extend(request);
    bytes.extend(2013_i32.to_le_bytes());
    bytes.extend([0; 5]);
    bytes.extend(body);
    bytes
}

fn read_command(message: &[u8]) -> Document {
    assert_eq!(message[..5], [0; 5], "no flags, and the body first");
    let take = |bytes: &[u8]| {
        let length = i32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        let raw = RawDocumentBuf::from_bytes(bytes[..length].to_vec()).unwrap();
        (Document::try_from(&*raw).unwrap(), length)
    };
    let (mut command, length) = take(&message[5..]);
    let rest = &message[5 + length..];
    if let Some((1, sequence)) = rest.split_first() {
        let name_end = sequence[4..].iter().position(|byte| *byte == 0).unwrap() + 4;
        let name = std::str::from_utf8(&sequence[4..name_end]).unwrap();
        let mut rest = &sequence[name_end + 1..];
        let mut documents = vec![];
        while !rest.is_empty() {
            let (document, length) = take(rest);
            documents.push(document);
            rest = &rest[length..];
        }
        command.insert(name, documents);
    }
    command
}

fn answer(shared: &mut Shared, command: &Document) -> Document {
    let (name, target) = command.iter().next().unwrap();
    if name == "hello" {
        return doc! { "ok": 1.0, "isWritablePrimary": true, "maxWireVersion": 21, "localTime": bson::DateTime::now() };
    }
    shared.commands += 1;
    let title = format!("{name} {}", target.as_str().or(command.get_str("$db").ok()).unwrap_or_default());
    if let Some(index) = shared.before.iter().position(|(command, _)| *command == title) {
        let (_, change) = shared.before.remove(index);
        change(&mut shared.store);
    }
    let always = shared.always.get(&title).cloned();
    shared.seen.push(title);
    always.unwrap_or_else(|| shared.store.run(command))
}
