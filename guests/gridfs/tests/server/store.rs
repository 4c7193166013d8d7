//! Collections, and the commands on them.

use super::query::{matches, sort};
use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Store {
    collections: BTreeMap<String, Vec<Document>>,
    /// Collections with a field of which no value may be there twice.
    unique: Vec<(String, String)>,
}

impl Store {
    pub fn documents(&self, collection: &str) -> &[Document] {
        self.collections.get(collection).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn collection(&mut self, name: &str) -> &mut Vec<Document> {
        self.collections.entry(name.to_owned()).or_default()
    }

    /// As an index that an owner makes.
    pub fn make_unique(&mut self, collection: &str, field: &str) {
        self.unique.push((collection.to_owned(), field.to_owned()));
    }

    pub fn add(&mut self, collection: &str, document: Document) {
        assert!(self.insert(collection, document), "a key twice");
    }

    pub fn run(&mut self, command: &Document) -> Document {
        let (name, target) = command.iter().next().unwrap();
        let target = target.as_str().unwrap_or_default();
        match name.as_str() {
            "find" => self.find(target, command),
            "insert" => {
                let documents = list(command, "documents");
                let inserted: Vec<_> = documents.into_iter().map(|document| self.insert(target, document)).collect();
                errors(&inserted)
            }
            "update" => {
                let updates = list(command, "updates");
                updates.iter().fold(doc! { "ok": 1.0, "n": 0 }, |reply, update| self.update(target, update, reply))
            }
            "delete" => {
                let before = self.documents(target).len();
                for delete in list(command, "deletes") {
                    let filter = delete.get_document("q").unwrap();
                    self.collection(target).retain(|document| !matches(document, filter));
                }
                doc! { "ok": 1.0, "n": (before - self.documents(target).len()) as i32 }
            }
            "createIndexes" => doc! { "ok": 1.0 },
            "dbStats" => doc! { "ok": 1.0, "fsTotalSize": 1e12, "fsUsedSize": 4e11 },
            other => doc! { "ok": 0.0, "code": 59, "errmsg": format!("no such command: {other}") },
        }
    }

    fn find(&mut self, collection: &str, command: &Document) -> Document {
        let filter = command.get_document("filter").unwrap();
        let mut found: Vec<_> =
            self.documents(collection).iter().filter(|document| matches(document, filter)).cloned().collect();
        if let Ok(order) = command.get_document("sort") {
            let is_indexed = order.keys().all(|key| key != "uploadDate") || !order.contains_key("_id");
            assert!(is_indexed, "no index has the order {order}");
            sort(&mut found, order);
        }
        found.truncate(command.get_i64("limit").unwrap() as usize);
        doc! { "ok": 1.0, "cursor": { "id": 0_i64, "ns": collection, "firstBatch": found } }
    }

    fn insert(&mut self, collection: &str, mut document: Document) -> bool {
        if !document.contains_key("_id") {
            document.insert("_id", ObjectId::new());
        }
        let is_chunk = collection.ends_with(".chunks");
        let unique: Vec<_> = self.unique.iter().filter(|(of, _)| of == collection).map(|(_, field)| field).collect();
        let is_taken = self.documents(collection).iter().any(|other| {
            let is_same = |key: &str| other.get(key) == document.get(key);
            is_same("_id") || is_chunk && is_same("files_id") && is_same("n") || unique.iter().any(|key| is_same(key))
        });
        if !is_taken {
            self.collection(collection).push(document);
        }
        !is_taken
    }

    fn update(&mut self, collection: &str, update: &Document, mut reply: Document) -> Document {
        let (filter, change) = (update.get_document("q").unwrap(), update.get_document("u").unwrap());
        let is_multi = update.get_bool("multi").unwrap_or_default();
        let found = self.collection(collection).iter_mut().filter(|document| matches(document, filter));
        let mut count = 0;
        for document in found.take(if is_multi { usize::MAX } else { 1 }) {
            set(document, change.get_document("$set").ok());
            count += 1;
        }
        if count == 0 && update.get_bool("upsert").unwrap_or_default() {
            let mut document: Document = filter
                .iter()
                .filter(|(_, value)| {
                    value.as_document().is_none_or(|value| !value.keys().any(|key| key.starts_with('$')))
                })
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            set(&mut document, change.get_document("$setOnInsert").ok());
            set(&mut document, change.get_document("$set").ok());
            if !self.insert(collection, document) {
                return errors(&[false]);
            }
            reply.insert("upserted", vec![doc! { "index": 0 }]);
            count = 1;
        }
        let before = reply.get_i32("n").unwrap();
        reply.insert("n", before + count);
        reply
    }
}

fn list(command: &Document, key: &str) -> Vec<Document> {
    command.get_array(key).unwrap().iter().map(|document| document.as_document().unwrap().clone()).collect()
}

fn errors(inserted: &[bool]) -> Document {
    let taken = inserted.iter().enumerate().filter(|(_, inserted)| !**inserted);
    let errors: Vec<_> =
        taken.map(|(index, _)| doc! { "index": index as i32, "code": 11000, "errmsg": "a key twice" }).collect();
    let mut reply = doc! { "ok": 1.0, "n": (inserted.len() - errors.len()) as i32 };
    if !errors.is_empty() {
        reply.insert("writeErrors", errors);
    }
    reply
}

fn set(document: &mut Document, fields: Option<&Document>) {
    for (path, value) in fields.into_iter().flatten() {
        set_at(document, path, value);
    }
}

fn set_at(document: &mut Document, path: &str, value: &Bson) {
    match path.split_once('.') {
        None => drop(document.insert(path, value.clone())),
        Some((first, rest)) => {
            if !document.contains_key(first) {
                document.insert(first, doc! {});
            }
            set_at(document.get_document_mut(first).expect("a field of what is no document"), rest, value);
        }
    }
}
