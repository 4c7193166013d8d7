//! The chunks of files, as `BUCKET.chunks` has them.

use super::Bucket;
use crate::database::integer;
use crate::failure::Failure;
use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Bson, RawBinaryRef, RawDocumentBuf, cstr, doc};

/// The most chunks that one read or command is for, and that are read ahead: whoever stored a file may have made them of one
/// byte, and each costs something beside.
pub const CHUNKS_AT_ONCE: usize = 1000;
/// How many chunks are deleted at once, and how often for one file: the most that a file of ours has.
const DELETED_AT_ONCE: u32 = 2048;
const STEPS_MAX: u32 = (1 << 31) / DELETED_AT_ONCE;

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

/// A chunk as a document that is inserted.
pub fn encode_chunk(file: ObjectId, n: u32, data: &[u8]) -> Vec<u8> {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), ObjectId::new());
    document.append(cstr!("files_id"), file);
    // The specification has a whole number of 32 bits, and no file has more chunks.
    document.append(cstr!("n"), i32::try_from(n).unwrap_or(i32::MAX));
    document.append(cstr!("data"), RawBinaryRef { subtype: BinarySubtype::Generic, bytes: data });
    document.into_bytes()
}
