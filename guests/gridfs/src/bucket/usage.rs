//! How full the server is, if it tells.

use super::Bucket;
use crate::database::integer;
use crate::failure::Failure;
use bson::doc;
use strongroom_guest::Usage;

/// A server that honours it answers within that; the others are fast, or have small databases.
const PATIENCE_MS: i64 = 1000;

impl Bucket {
    /// Whether the server tells how full it is. It does not for a database that nothing was ever written to.
    pub async fn is_usage_told(&self) -> bool {
        self.usage().await.is_ok_and(|usage| usage.is_some())
    }

    /// How full the disk of the server is that the database lies on; `None` if the server does not tell.
    pub async fn usage(&self) -> Result<Option<Usage>, Failure> {
        let reply = self.database.run(doc! { "dbStats": 1, "maxTimeMS": PATIENCE_MS }, None).await?;
        let reply = reply.document()?;
        let bytes = |key| integer(reply, key).and_then(|bytes| u64::try_from(bytes).ok());
        let (Some(total), Some(used)) = (bytes("fsTotalSize"), bytes("fsUsedSize")) else { return Ok(None) };
        let usage = Usage::of_bytes(total, total.saturating_sub(used));
        Ok((total > 0).then_some(Usage { block_size: self.options.chunk_size.into(), ..usage }))
    }
}
