//! The chunks of files, as `BUCKET.chunks` has them.

use super::Bucket;
use crate::database::integer;
use crate::failure::Failure;
use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Bson, doc};

/// The most chunks that one read or command is for, and that are read ahead: whoever stored a file may have made them of one
/// byte, and each costs something beside.
pub const CHUNKS_AT_ONCE: usize = 1000;
/// How many chunks are deleted at once, and how often for one file: the most that a file of ours has.
const DELETED_AT_ONCE: u32 = 2048;
const STEPS_MAX: u32 = (1 << 31) / DELETED_AT_ONCE;
/// A chunk's document without its data: the length, two ids, a number, the data's length and kind, each with its name, an end.
const CHUNK_DOCUMENT_BYTES: usize = 4 + (5 + 12) + (10 + 12) + (3 + 4) + (6 + 4 + 1) + 1;

/// A chunk that was read.
pub struct Chunk {
    /// Its number in the file.
    pub n: u32,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl Bucket {
    /// Those chunks of a file that are there.
    pub async fn read_chunks(&self, file: &Bson, numbers: &[u32]) -> Result<Vec<Chunk>, Failure> {
        let limit = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) else { return Ok(vec![]) };
        let n: Bson = if last - first < limit {
            doc! { "$gte": i64::from(*first), "$lte": i64::from(*last) }.into()
        } else {
            doc! { "$in": numbers.iter().map(|n| i64::from(*n)).collect::<Vec<_>>() }.into()
        };
        let (filter, fields) = (doc! { "files_id": file, "n": n }, doc! { "_id": 0, "n": 1, "data": 1 });
        let batch = self.database.find(&self.chunks, filter, fields, doc! { "n": 1 }, limit).await?;
        let mut chunks = vec![];
        for document in batch.documents()? {
            let n = integer(document, "n").and_then(|n| n.try_into().ok());
            let n = n.ok_or_else(|| Failure::Corrupt("a chunk without a number".to_owned()))?;
            let data = document.get_binary("data").map_err(|_| Failure::Corrupt("a chunk without bytes".to_owned()))?;
            chunks.push(Chunk { n, data: data.bytes.to_vec() });
        }
        Ok(chunks)
    }

    /// Deletes the chunks of a file from number `start` on: so many at once as no server takes long for. How many there are is
    /// found out from them, since what a document says of it may be anything.
    pub async fn delete_chunks(&self, file: &Bson, start: u32) -> Result<(), Failure> {
        let mut start = i64::from(start);
        for _ in 0..STEPS_MAX {
            let Some(last) = self.last_of_step(file, start).await? else { break };
            let n = doc! { "$gte": start, "$lte": last };
            self.database.delete(&self.chunks, doc! { "files_id": file, "n": n }).await?;
            start = last.saturating_add(1);
        }
        self.database.delete(&self.chunks, doc! { "files_id": file, "n": { "$gte": start } }).await.map(drop)
    }

    /// The last number that is deleted in one step; `None` if one step deletes all that are left.
    async fn last_of_step(&self, file: &Bson, start: i64) -> Result<Option<i64>, Failure> {
        let filter = doc! { "files_id": file, "n": { "$gte": start } };
        let fields = doc! { "_id": 0, "n": 1 };
        let step = self.database.find(&self.chunks, filter, fields, doc! { "n": 1 }, DELETED_AT_ONCE).await?;
        let step = step.documents()?;
        let last = step.get(DELETED_AT_ONCE as usize - 1);
        Ok(last.and_then(|chunk| integer(chunk, "n")).filter(|last| *last >= start))
    }
}

/// Chunks as documents that are inserted, one after the other. They are the bulk of what is sent, so that their bytes are
/// moved once here, and not by way of a document for each.
pub fn encode_chunks<'a>(file: ObjectId, chunks: impl Iterator<Item = (u32, &'a [u8])> + Clone) -> Vec<u8> {
    let bytes = chunks.clone().map(|(_, data)| CHUNK_DOCUMENT_BYTES + data.len()).sum();
    let mut documents = Vec::with_capacity(bytes);
    for (n, data) in chunks {
        append_chunk(&mut documents, file, n, data);
    }
    documents
}

fn append_chunk(documents: &mut Vec<u8>, file: ObjectId, n: u32, data: &[u8]) {
    let length = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX).to_le_bytes();
    documents.extend_from_slice(&length(CHUNK_DOCUMENT_BYTES + data.len()));
    for (name, id) in [(b"\x07_id\0".as_slice(), ObjectId::new()), (b"\x07files_id\0", file)] {
        documents.extend_from_slice(name);
        documents.extend_from_slice(&id.bytes());
    }
    documents.extend_from_slice(b"\x10n\0");
    // The specification has a whole number of 32 bits, and no file has more chunks.
    documents.extend_from_slice(&i32::try_from(n).unwrap_or(i32::MAX).to_le_bytes());
    documents.extend_from_slice(b"\x05data\0");
    documents.extend_from_slice(&length(data.len()));
    documents.push(BinarySubtype::Generic.into());
    documents.extend_from_slice(data);
    documents.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use bson::{Binary, Document, RawDocument};

    #[test]
    fn chunks_are_documents_as_any_other() {
        let file = ObjectId::new();
        let contents: [&[u8]; 3] = [&[], &[7], &[8; 300]];
        let encoded = encode_chunks(file, contents.iter().zip(5..).map(|(data, n)| (n, *data)));
        assert_eq!(encoded.len(), encoded.capacity(), "room for all of them at once");
        let mut rest = encoded.as_slice();
        for (data, n) in contents.into_iter().zip(5_i32..) {
            let length = i32::from_le_bytes(*rest.first_chunk().unwrap()) as usize;
            let (document, others) = rest.split_at(length);
            let document: Document = RawDocument::from_bytes(document).unwrap().try_into().unwrap();
            let data = Binary { subtype: BinarySubtype::Generic, bytes: data.to_vec() };
            let id = document.get_object_id("_id").unwrap();
            assert_eq!(document, doc! { "_id": id, "files_id": file, "n": n, "data": data });
            assert_ne!(id, file);
            rest = others;
        }
        assert_eq!(rest, []);
    }
}
