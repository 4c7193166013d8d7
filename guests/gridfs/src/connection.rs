//! One connection to a server, from the handshake on: a command goes out, its reply comes in, and no other before that.

use crate::database::COMMAND_BYTES_MAX;
use crate::failure::Failure;
use crate::scram::{Credentials, Exchange, Unconfirmed};
use crate::system::{Endpoint, Stream};
use crate::wire::{self, HEADER_BYTES, Reply, Sequence};
use bson::spec::BinarySubtype;
use bson::{Binary, Document, RawDocument, doc};
use strongroom_guest::Timestamp;

/// The oldest protocol that knows OP_MSG and all commands of ours: MongoDB 4.0.
const WIRE_VERSION_MIN: i32 = 7;
/// What is set aside for a reply before its length is known, and what is once it is, as far as it is that long: the most that
/// is asked for at once. More follows as it comes in.
const FIRST_BYTES: usize = 16 << 10;
const NEXT_BYTES: usize = COMMAND_BYTES_MAX;
const MECHANISM: &str = "SCRAM-SHA-256";

/// Where to connect to, and as whom.
pub struct Target {
    /// The server.
    pub endpoint: Endpoint,
    /// Without them nobody logs in.
    pub login: Option<Login>,
}

/// A user, and the database that knows it.
pub struct Login {
    /// Name and password.
    pub credentials: Credentials,
    /// The database.
    pub source: String,
}

/// A connection that is ready for commands.
pub struct Connection {
    stream: Stream,
    request: i32,
    /// How far the server's clock is ahead of ours, in milliseconds.
    clock_ahead_ms: i64,
}

impl Connection {
    /// Connects, shakes hands and logs in.
    pub async fn open(target: &Target) -> Result<Self, Failure> {
        let stream = Stream::connect(&target.endpoint).await.map_err(Failure::Unreachable)?;
        let mut connection = Self { stream, request: 0, clock_ahead_ms: 0 };
        let exchange = match &target.login {
            Some(login) => Some((Exchange::begin(&login.credentials)?, login)),
            None => None,
        };
        let mut hello = doc! {
            "hello": 1,
            "client": {
                "application": { "name": "strongroom" },
                "driver": { "name": "strongroom-gridfs", "version": env!("CARGO_PKG_VERSION") },
                "os": { "type": "wasm" },
            },
        };
        if let Some((exchange, login)) = &exchange {
            // The first step of logging in comes with the handshake: one round trip less.
            let mut start = sasl_start(exchange);
            start.insert("db", &login.source);
            hello.insert("speculativeAuthenticate", start);
        }
        let reply = connection.command(&hello, "admin").await?;
        let begun = connection.greeted(reply.document()?)?;
        if let Some((exchange, login)) = exchange {
            connection.log_in(&exchange, &login.source, begun).await?;
        }
        Ok(connection)
    }

    /// Checks what the server says of itself. What it answers to the first step of logging in is returned.
    fn greeted(&mut self, hello: &RawDocument) -> Result<Option<SaslReply>, Failure> {
        let version = hello.get_i32("maxWireVersion").unwrap_or_default();
        if version < WIRE_VERSION_MIN {
            return Err(Failure::Unusable(format!(
                "it speaks version {version} of the protocol: older than MongoDB 4.0"
            )));
        }
        if !hello.get_bool("isWritablePrimary").unwrap_or_default() {
            return Err(Failure::Unusable("it is no primary, so that nothing can be written there".to_owned()));
        }
        if let Ok(time) = hello.get_datetime("localTime") {
            self.clock_ahead_ms = time.timestamp_millis().saturating_sub(now_ms());
        }
        match hello.get_document("speculativeAuthenticate") {
            Ok(begun) => SaslReply::read(begun).map(Some),
            Err(_) => Ok(None),
        }
    }

    async fn log_in(&mut self, exchange: &Exchange<'_>, source: &str, begun: Option<SaslReply>) -> Result<(), Failure> {
        let begun = match begun {
            Some(begun) => begun,
            None => self.sasl(&sasl_start(exchange), source).await?,
        };
        let (last, unconfirmed) = exchange.last(&begun.payload)?;
        let next = |payload: String| {
            doc! { "saslContinue": 1, "conversationId": begun.conversation.clone(), "payload": binary(payload) }
        };
        let mut reply = self.sasl(&next(last), source).await?;
        Unconfirmed::confirm(unconfirmed, &reply.payload)?;
        if !reply.is_done {
            reply = self.sasl(&next(String::new()), source).await?;
        }
        if reply.is_done { Ok(()) } else { Err(Failure::Authentication("it asks for more than was agreed".to_owned())) }
    }

    async fn sasl(&mut self, command: &Document, source: &str) -> Result<SaslReply, Failure> {
        let reply = self.command(command, source).await.map_err(|failure| match failure {
            Failure::Command { message, .. } => Failure::Authentication(message),
            failure => failure,
        })?;
        SaslReply::read(reply.document()?)
    }

    async fn command(&mut self, command: &Document, database: &str) -> Result<Reply, Failure> {
        let mut command = command.clone();
        command.insert("$db", database);
        let reply = self.exchange(&command.to_vec()?, None).await?;
        Failure::of_reply(reply.document()?)?;
        Ok(reply)
    }

    /// Sends a command, which is complete BSON with `$db`, and takes in what is answered, whatever that says. After a
    /// failure the connection is of no use any more.
    pub async fn exchange(&mut self, command: &[u8], sequence: Option<&Sequence>) -> Result<Reply, Failure> {
        self.request = self.request.wrapping_add(1);
        let message = wire::encode(self.request, command, sequence);
        self.stream.send(message).await.map_err(Failure::Lost)?;
        let buffer = self.receive(Vec::with_capacity(FIRST_BYTES), HEADER_BYTES).await?;
        let length = wire::message_length(&buffer)?;
        let message = self.receive(buffer, length).await?;
        if message.len() > length {
            return Err(Failure::Protocol("an answer that nobody asked for".to_owned()));
        }
        Ok(wire::decode(self.request, message)?)
    }

    /// Fills `buffer` up to `length` bytes, or with more if it has room for them; room is made as they come.
    async fn receive(&mut self, mut buffer: Vec<u8>, length: usize) -> Result<Vec<u8>, Failure> {
        while buffer.len() < length {
            let room = (length - buffer.len()).min(NEXT_BYTES.max(buffer.len()));
            if buffer.capacity() - buffer.len() < room {
                buffer.reserve_exact(room);
            }
            buffer = self.stream.receive(buffer).await.map_err(Failure::Lost)?;
        }
        Ok(buffer)
    }

    /// How far the server's clock is ahead of ours, in milliseconds.
    pub fn clock_ahead_ms(&self) -> i64 {
        self.clock_ahead_ms
    }
}

/// What our clock says, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let now = Timestamp::now();
    now.seconds.saturating_mul(1000).saturating_add(i64::from(now.nanoseconds / 1_000_000))
}

fn sasl_start(exchange: &Exchange<'_>) -> Document {
    doc! {
        "saslStart": 1,
        "mechanism": MECHANISM,
        "payload": binary(exchange.first()),
        "options": { "skipEmptyExchange": true },
    }
}

fn binary(payload: String) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: payload.into_bytes() }
}

/// A step of logging in, as the server answers it.
struct SaslReply {
    conversation: bson::Bson,
    payload: String,
    is_done: bool,
}

impl SaslReply {
    fn read(reply: &RawDocument) -> Result<Self, Failure> {
        let malformed = || Failure::Authentication("its part of the proof is malformed".to_owned());
        let conversation = reply.get("conversationId")?.ok_or_else(malformed)?;
        let payload = reply.get_binary("payload").map_err(|_| malformed())?.bytes;
        Ok(Self {
            conversation: conversation.try_into()?,
            payload: str::from_utf8(payload).map_err(|_| malformed())?.to_owned(),
            is_done: reply.get_bool("done").unwrap_or_default(),
        })
    }
}
