//! What the trait asks of it.

use super::MemoryStore;
use crate::idempotency::{
    Attempt, Claim, Ending, Hold, KeyStore, Lost, Parked, Record, RecordId, Recovery, Resolution, StoreError,
    Stored, Trouble,
};
use std::time::Duration;
use tokio::time;

/// How many expired records make room when there is none.
const SWEPT: usize = 64;

impl KeyStore for MemoryStore {
    async fn claim(&self, id: RecordId, attempt: Attempt) -> Result<Claim, StoreError> {
        let (now, found) = (self.now(), self.found(id));
        let claimed = self.shard(&found).claim(found, now, &attempt, self.counts());
        match claimed {
            // Of which tenant those are that have expired nobody knows: so for one that is over its quota all of them go.
            Err(trouble @ (Trouble::Full | Trouble::Quota)) if self.sweep(swept(trouble)) > 0 => {
                Ok(self.shard(&found).claim(found, now, &attempt, self.counts())?)
            }
            claimed => Ok(claimed?),
        }
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        let (now, found) = (self.now(), self.found(hold.id));
        let word = |record: &Record| record.renew(now, &hold, lease);
        self.shard(&found).change(found, now, self.counts(), word, |_| {})
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        let (now, found) = (self.now(), self.found(hold.id));
        let (to, answer) = ending.into_parts();
        let word = |record: &Record| record.finish(now, &hold, to, ttl);
        self.shard(&found).change(found, now, self.counts(), word, put(answer))
    }

    async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        let (now, found) = (self.now(), self.found(hold.id));
        self.shard(&found).set_recovery(found, now, &hold, recovery, self.counts())
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        Ok(self.sweep(limit))
    }

    async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
        let now = self.now();
        let mut found = Vec::new();
        for shard in self.shards() {
            shard.parked(now, after, &mut found);
        }
        found.sort_unstable_by_key(|parked| parked.id);
        found.truncate(limit);
        Ok(found)
    }

    async fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> Result<(), Lost> {
        let (now, found) = (self.now(), self.found(id));
        let (to, answer) = resolution.into_parts();
        let word = |record: &Record| record.resolve(now, token, to, ttl);
        self.shard(&found).change(found, now, self.counts(), word, put(answer))
    }

    async fn changed(&self, id: RecordId) {
        let found = self.found(id);
        let heard = self.shard(&found).listen(&found, self.now());
        if let Some((bell, lease_until)) = heard {
            // Which of the two it was makes no difference: whoever waits claims again.
            let _ = time::timeout_at(self.instant(lease_until), bell.heard()).await;
        }
    }
}

const fn swept(trouble: Trouble) -> usize {
    match trouble {
        Trouble::Quota => usize::MAX,
        _ => SWEPT,
    }
}

fn put(answer: Option<Stored>) -> impl FnOnce(&mut Option<Stored>) {
    move |stored| *stored = answer
}

impl MemoryStore {
    /// Deletes at most so many expired records.
    fn sweep(&self, limit: usize) -> usize {
        let now = self.now();
        let mut purged = 0;
        for mut shard in self.shards() {
            purged += shard.purge(now, limit - purged, self.counts());
            if purged >= limit {
                break;
            }
        }
        purged
    }
}
