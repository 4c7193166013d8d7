//! How full the server is, if it tells.

use super::Bucket;
use crate::database::integer;
use crate::failure::Failure;
use crate::wire::Reply;
use bson::{Document, doc};
use strongroom_guest::Usage;

/// A server that honours it answers within that; the others are fast, or have small databases.
const PATIENCE_MS: i64 = 1000;

impl Bucket {
    /// Whether the server tells how full it is. That is asked of the server's own database where the user may, since some
    /// read all that a database holds to answer, and a session would begin with that.
    pub async fn is_usage_told(&self) -> bool {
        match self.database.run_at_admin(question()).await {
            Ok(reply) => self.told(&reply).is_ok_and(|usage| usage.is_some()),
            // Who was not answered at all is not asked again: a session would wait twice.
            Err(Failure::Command { .. }) => self.usage_of_own().await.is_ok_and(|usage| usage.is_some()),
            Err(_) => false,
        }
    }

    /// How full the disk of the server is that the database lies on; `None` if the server does not tell.
    pub async fn usage(&self) -> Result<Option<Usage>, Failure> {
        // Of a database that nothing was ever written to nothing is told, and one may not answer in time.
        let own = self.usage_of_own().await;
        if let Ok(None) | Err(Failure::Command { .. }) = own {
            match self.database.run_at_admin(question()).await {
                Ok(reply) => return self.told(&reply),
                Err(_) => return own,
            }
        }
        own
    }

    async fn usage_of_own(&self) -> Result<Option<Usage>, Failure> {
        self.told(&self.database.run(question(), None).await?)
    }

    fn told(&self, reply: &Reply) -> Result<Option<Usage>, Failure> {
        let reply = reply.document()?;
        let bytes = |key| integer(reply, key).and_then(|bytes| u64::try_from(bytes).ok());
        let (Some(total), Some(used)) = (bytes("fsTotalSize"), bytes("fsUsedSize")) else { return Ok(None) };
        let usage = Usage::of_bytes(total, total.saturating_sub(used));
        Ok((total > 0).then_some(Usage { block_size: self.options.chunk_size.into(), ..usage }))
    }
}

fn question() -> Document {
    doc! { "dbStats": 1, "maxTimeMS": PATIENCE_MS }
}
