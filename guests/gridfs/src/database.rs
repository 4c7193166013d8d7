//! Commands to one database of a server: looked for, inserted, updated, deleted. A command whose connection is lost is sent
//! once more on another one. That is safe because no command of this crate does anything by being done twice: documents are
//! inserted with keys that are chosen here, and changed and deleted by their keys.

use crate::connection::now_ms;
use crate::failure::{DUPLICATE_KEY, Failure};
use crate::pool::Pool;
use crate::system;
use crate::wire::{Reply, Sequence};
use bson::{DateTime, Document, RawDocument, doc};
use std::rc::Rc;

/// What a server that restarts is waited for, in milliseconds, one after the other.
const PAUSES_MS: [u64; 6] = [50, 200, 500, 1000, 2000, 4000];
/// The most bytes of documents in one command: below what every server takes, and a fair turn on a connection.
pub const COMMAND_BYTES_MAX: usize = 4 << 20;
/// Every server has it, and hardly anything is in it.
const ADMIN: &str = "admin";

/// A database, and the connections to it.
pub struct Database {
    pool: Rc<Pool>,
    name: String,
}

/// What a search found.
pub struct Batch(Reply);

/// What an update did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Updated {
    /// How many documents it was for.
    pub matched: i64,
    /// Whether it made one.
    pub is_made: bool,
}

impl Database {
    /// The database of that name.
    pub fn new(pool: Rc<Pool>, name: String) -> Self {
        Self { pool, name }
    }

    /// The time by the server's clock, which all its clients have in common.
    pub fn now(&self) -> DateTime {
        DateTime::from_millis(now_ms().saturating_add(self.pool.clock_ahead_ms()))
    }

    /// Does a command of which doing it twice does no harm.
    pub async fn run(&self, command: Document, sequence: Option<Sequence>) -> Result<Reply, Failure> {
        self.run_at(&self.name, command, sequence).await
    }

    /// Has a command without documents done by the server's own database instead.
    pub async fn run_at_admin(&self, command: Document) -> Result<Reply, Failure> {
        self.run_at(ADMIN, command, None).await
    }

    async fn run_at(
        &self,
        database: &str,
        mut command: Document,
        sequence: Option<Sequence>,
    ) -> Result<Reply, Failure> {
        command.insert("$db", database);
        let command = command.to_vec()?;
        let mut pauses = PAUSES_MS.iter();
        let mut is_again = false;
        loop {
            let failure = match self.run_once(&command, sequence.as_ref()).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            if failure.is_timed_out() {
                // Those of the same age are likely to be as dead, and each would be waited for as long.
                self.pool.forget_idle();
            }
            let is_restarting = is_again && matches!(failure, Failure::Unreachable(system::Broken::Ended(_)));
            if failure.may_be_retried() && !is_again {
                self.pool.forget_idle();
            } else if !is_restarting {
                return Err(failure);
            }
            is_again = true;
            let Some(pause) = pauses.next() else { return Err(failure) };
            system::pause(*pause).await;
        }
    }

    async fn run_once(&self, command: &[u8], sequence: Option<&Sequence>) -> Result<Reply, Failure> {
        let mut lease = self.pool.take().await?;
        let reply = lease.connection()?.exchange(command, sequence).await?;
        lease.give_back();
        Failure::of_reply(reply.document()?)?;
        Ok(reply)
    }

    /// The documents of `collection` that `filter` is for, in the order of `sort`, at most `limit`. What `fields` says of them.
    pub async fn find(
        &self,
        collection: &str,
        filter: Document,
        fields: Document,
        sort: Document,
        limit: u32,
    ) -> Result<Batch, Failure> {
        let mut command = doc! { "find": collection, "filter": filter };
        if !fields.is_empty() {
            command.insert("projection", fields);
        }
        if !sort.is_empty() {
            command.insert("sort", sort);
        }
        let limit = i64::from(limit);
        command.extend(doc! { "limit": limit, "batchSize": limit, "singleBatch": true });
        self.run(command, None).await.map(Batch)
    }

    /// Inserts documents, each complete BSON with an `_id` that only this insertion can have: one that is there already is
    /// ours.
    pub async fn insert_own(&self, collection: &str, documents: Vec<u8>) -> Result<(), Failure> {
        match self.insert(collection, documents, false).await {
            Err(failure) if failure.is_code(DUPLICATE_KEY) => Ok(()),
            result => result,
        }
    }

    /// Inserts one document; `false` if its key is taken.
    pub async fn insert_new(&self, collection: &str, document: &Document) -> Result<bool, Failure> {
        match self.insert(collection, document.to_vec()?, true).await {
            Ok(()) => Ok(true),
            Err(failure) if failure.is_code(DUPLICATE_KEY) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn insert(&self, collection: &str, documents: Vec<u8>, is_ordered: bool) -> Result<(), Failure> {
        let sequence = Sequence { name: "documents", documents };
        self.run(doc! { "insert": collection, "ordered": is_ordered }, Some(sequence)).await.map(drop)
    }

    /// Updates the documents that `filter` is for.
    pub async fn update(&self, collection: &str, filter: Document, change: Document) -> Result<Updated, Failure> {
        self.update_by(collection, doc! { "q": filter, "u": change, "multi": true }).await
    }

    /// Updates the one document that `filter` is for, or makes it.
    pub async fn upsert(&self, collection: &str, filter: Document, change: Document) -> Result<Updated, Failure> {
        let update = doc! { "q": filter, "u": change, "upsert": true };
        match self.update_by(collection, update.clone()).await {
            // Two that find nothing both insert, and one of them is too late.
            Err(failure) if failure.is_code(DUPLICATE_KEY) => self.update_by(collection, update).await,
            result => result,
        }
    }

    async fn update_by(&self, collection: &str, update: Document) -> Result<Updated, Failure> {
        self.update_many(collection, update.to_vec()?).await
    }

    /// Does several updates, each complete BSON.
    pub async fn update_many(&self, collection: &str, updates: Vec<u8>) -> Result<Updated, Failure> {
        self.send_updates(doc! { "update": collection, "ordered": false }, updates).await
    }

    /// Does one update; with `is_durable` it is on the server's disk when this returns.
    pub async fn update_durably(
        &self,
        collection: &str,
        update: Document,
        is_durable: bool,
    ) -> Result<Updated, Failure> {
        let mut command = doc! { "update": collection };
        if is_durable {
            command.insert("writeConcern", doc! { "w": 1, "j": true });
        }
        self.send_updates(command, update.to_vec()?).await
    }

    async fn send_updates(&self, command: Document, updates: Vec<u8>) -> Result<Updated, Failure> {
        let sequence = Sequence { name: "updates", documents: updates };
        let reply = self.run(command, Some(sequence)).await?;
        let reply = reply.document()?;
        let is_made = reply.get_array("upserted").is_ok_and(|made| !made.is_empty());
        Ok(Updated { matched: integer(reply, "n").unwrap_or_default(), is_made })
    }

    /// Deletes the documents that `filter` is for, and tells how many they were: fewer, if the command was sent twice.
    pub async fn delete(&self, collection: &str, filter: Document) -> Result<i64, Failure> {
        let documents = doc! { "q": filter, "limit": 0 }.to_vec()?;
        let reply = self.run(doc! { "delete": collection }, Some(Sequence { name: "deletes", documents })).await?;
        Ok(integer(reply.document()?, "n").unwrap_or_default())
    }
}

impl Batch {
    /// The documents.
    pub fn documents(&self) -> Result<Vec<&RawDocument>, Failure> {
        let cursor = self.0.document()?.get_document("cursor").map_err(|_| no_cursor())?;
        let batch = cursor.get_array("firstBatch").map_err(|_| no_cursor())?;
        let documents = batch.into_iter().map(|value| value?.as_document().ok_or_else(no_cursor));
        documents.collect()
    }

    /// The first document, if there is any.
    pub fn first(&self) -> Result<Option<&RawDocument>, Failure> {
        Ok(self.documents()?.into_iter().next())
    }

    /// Whether the server may have stopped for the sake of the reply's length rather than because there is no more.
    pub fn is_cut(&self) -> bool {
        self.0.len() > COMMAND_BYTES_MAX
    }
}

fn no_cursor() -> Failure {
    Failure::Protocol("an answer without documents".to_owned())
}

/// A whole number, in whichever way it is written.
pub fn integer(document: &RawDocument, key: &str) -> Option<i64> {
    let value = document.get(key).ok()??;
    let float = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    value.as_i64().or(value.as_i32().map(i64::from)).or(value.as_f64().and_then(float))
}
