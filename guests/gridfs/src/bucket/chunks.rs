//! The chunks of files, as `BUCKET.chunks` has them.

use super::Bucket;
use crate::database::integer;
use crate::failure::Failure;
use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Bson, RawBinaryRef, RawDocumentBuf, cstr, doc};

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

    /// Deletes the chunks of a file from `start` on, of which there should be none past `end`: so many at once as no server
    /// takes long for.
    pub async fn delete_chunks(&self, file: &Bson, start: u64, end: u64) -> Result<(), Failure> {
        const STEP: u64 = 2048;
        let mut start = start;
        while start + STEP < end {
            let n = doc! { "$gte": as_i64(start), "$lt": as_i64(start + STEP) };
            self.database.delete(&self.chunks, doc! { "files_id": file, "n": n }).await?;
            start += STEP;
        }
        self.database.delete(&self.chunks, doc! { "files_id": file, "n": { "$gte": as_i64(start) } }).await
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

fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
