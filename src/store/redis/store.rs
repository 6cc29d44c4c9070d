//! The store: asks the server by script, and decides what a script cannot.

use super::{
    super::swap::{self, Begun, Seen, Swaps, unwritten},
    fields::{self, Heard, Told, key, micros, of_tenant, told, trouble},
    script,
};
use crate::idempotency::{
    Attempt, Claim, Ending, Hold, KeyStore, Lost, OnHold, OnLeaseOver, Parked, Record, RecordId, Recovery,
    Resolution, StoreError, Stored, Trouble, kept_for,
};
use redis::{Client, ScriptInvocation, Value, aio::ConnectionManager};
use std::{fmt, sync::Arc, time::Duration};

/// Records in Redis or Valkey: best effort. Clones share the connection. See the [module](super).
#[derive(Clone)]
pub struct RedisStore {
    connection: ConnectionManager,
    prefix: Arc<str>,
}

const PREFIX: &str = "buttress:idem";

impl RedisStore {
    /// Connects, and asks the server whether it throws out records to make room.
    ///
    /// # Errors
    /// Where it cannot be reached, does throw out, or does not let that be asked: then look yourself, and say
    /// [`trusting`](Self::trusting).
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let client = Client::open(url).map_err(trouble)?;
        let mut store = Self::trusting(ConnectionManager::new(client).await.map_err(trouble)?);
        let policy: Vec<String> = redis::cmd("CONFIG")
            .arg("GET")
            .arg("maxmemory-policy")
            .query_async(&mut store.connection)
            .await
            .map_err(trouble)?;
        match policy.get(1).map(String::as_str) {
            Some("noeviction") => Ok(store),
            policy => {
                let words =
                    format!("maxmemory-policy is {}, and must be noeviction", policy.unwrap_or("unknown"));
                Err(StoreError::new(Trouble::Unavailable, words))
            }
        }
    }

    /// Over a connection to a server that is known to throw nothing out.
    #[must_use]
    pub fn trusting(connection: ConnectionManager) -> Self {
        Self { connection, prefix: PREFIX.into() }
    }

    /// What the keys begin with; `buttress:idem` where nothing is said.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    async fn run(&self, script: &mut ScriptInvocation<'_>) -> Result<Told, StoreError> {
        let value: Value = script.invoke_async(&mut self.connection.clone()).await.map_err(trouble)?;
        told(value)
    }

    async fn look(&self, id: &RecordId) -> Result<Option<Heard>, StoreError> {
        match self.run(&mut script::READ.key(key(&self.prefix, id))).await? {
            Told::Seen(heard) => Ok(Some(*heard)),
            Told::Nothing | Told::Written | Told::NoRoom => Ok(None),
        }
    }

    /// An owner's word: written, or the record says why not.
    async fn held(
        &self,
        script: &mut ScriptInvocation<'_>,
        why: impl FnOnce(&Seen) -> OnHold + Send,
    ) -> Result<(), Lost> {
        match self.run(script).await? {
            Told::Written => Ok(()),
            Told::Nothing | Told::NoRoom => Err(Lost::Gone),
            Told::Seen(heard) => unwritten(why(&heard.seen)),
        }
    }
}

impl Swaps for RedisStore {
    async fn begin(&self, id: &RecordId, attempt: &Attempt) -> Result<Begun, StoreError> {
        let Attempt { fingerprint, nonce, terms, .. } = attempt;
        let quota = terms.quota_of_scope();
        let script = if quota.is_some() { &script::CLAIM_WITHIN } else { &script::CLAIM };
        let mut begin = script.key(key(&self.prefix, id));
        begin
            .key(of_tenant(&self.prefix, id.scope()))
            .arg(fingerprint.rule())
            .arg(&fingerprint.digest()[..])
            .arg(&nonce.bits().to_be_bytes()[..])
            .arg(u8::from(terms.on_lease_over() == OnLeaseOver::Takeover))
            .arg(micros(terms.lease()))
            .arg(micros(terms.ttl()));
        if let Some(quota) = quota {
            begin.arg(quota.records).arg(quota.bytes);
        }
        match self.run(&mut begin).await? {
            Told::Seen(heard) => Ok(Begun::There(Some(Box::new(heard.seen)))),
            Told::NoRoom => Err(Trouble::Quota.into()),
            Told::Nothing | Told::Written => Ok(Begun::Made),
        }
    }

    async fn read(&self, id: &RecordId) -> Result<Option<Seen>, StoreError> {
        Ok(self.look(id).await?.map(|heard| heard.seen))
    }

    async fn swap(
        &self,
        id: &RecordId,
        was: &Record,
        next: &Record,
        new_life: bool,
        answer: Option<&Stored>,
    ) -> Result<bool, StoreError> {
        let swapped: i64 = script::SWAP
            .key(key(&self.prefix, id))
            .key(of_tenant(&self.prefix, id.scope()))
            .arg(was.state.code())
            .arg(was.token)
            .arg(&was.nonce.bits().to_be_bytes()[..])
            .arg(was.lease_until.as_micros())
            .arg(was.expires_at.as_micros())
            .arg(next.fingerprint.rule())
            .arg(&next.fingerprint.digest()[..])
            .arg(next.state.code())
            .arg(next.token)
            .arg(&next.nonce.bits().to_be_bytes()[..])
            .arg(u8::from(next.on_lease_over == OnLeaseOver::Takeover))
            .arg(micros(next.lease))
            .arg(next.lease_until.as_micros())
            .arg(next.expires_at.as_micros())
            .arg(u8::from(new_life))
            .arg(answer.map_or(&[][..], Stored::as_bytes))
            .invoke_async(&mut self.connection.clone())
            .await
            .map_err(trouble)?;
        Ok(swapped == 1)
    }
}

impl KeyStore for RedisStore {
    /// Where a quota is asked for, a first claim looks at all records of the tenant, which the quota bounds, and at those that have
    /// expired less than a lease ago.
    async fn claim(&self, id: RecordId, attempt: Attempt) -> Result<Claim, StoreError> {
        swap::claim(self, &id, &attempt).await
    }

    async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
        let mut renew = script::RENEW.key(key(&self.prefix, &hold.id));
        renew.key(of_tenant(&self.prefix, hold.id.scope()));
        renew.arg(hold.token).arg(&hold.nonce.bits().to_be_bytes()[..]).arg(micros(lease));
        self.held(&mut renew, |seen| seen.record.renew(seen.now, &hold, lease)).await
    }

    async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
        let (to, answer) = ending.into_parts();
        let mut finish = script::FINISH.key(key(&self.prefix, &hold.id));
        finish
            .key(of_tenant(&self.prefix, hold.id.scope()))
            .arg(hold.token)
            .arg(&hold.nonce.bits().to_be_bytes()[..])
            .arg(to.code())
            .arg(micros(kept_for(ttl)))
            .arg(answer.as_ref().map_or(&[][..], Stored::as_bytes));
        self.held(&mut finish, |seen| seen.record.finish(seen.now, &hold, to, ttl)).await
    }

    async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
        let mut write = script::RECOVERY.key(key(&self.prefix, &hold.id));
        write
            .arg(hold.token)
            .arg(&hold.nonce.bits().to_be_bytes()[..])
            .arg(&recovery.point)
            .arg(&recovery.payload);
        self.held(&mut write, |_| OnHold::Fenced).await
    }

    /// Nothing: the server lets records vanish when their time is over.
    async fn purge(&self, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }

    /// Looks at every record, by `SCAN`; for an operator, not for a dashboard.
    async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
        let mut ids = Vec::new();
        let pattern = format!("{}:*", fields::literal(&self.prefix));
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(1000)
                .query_async(&mut self.connection.clone())
                .await
                .map_err(trouble)?;
            ids.extend(
                keys.iter().filter_map(|key| fields::id(&self.prefix, key)).filter(|id| Some(*id) > after),
            );
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        ids.sort_unstable();
        // A scan may show a key twice.
        ids.dedup();
        let mut found = Vec::new();
        for id in ids {
            if found.len() == limit {
                break;
            }
            if let Some(Heard { seen, at }) = self.look(&id).await?
                && seen.record.is_parked(seen.now)
            {
                found.push(Parked::new(id, seen.record.token, seen.now.since(at), seen.recovery));
            }
        }
        Ok(found)
    }

    async fn resolve(
        &self,
        id: RecordId,
        token: u64,
        resolution: Resolution,
        ttl: Duration,
    ) -> Result<(), Lost> {
        swap::resolve(self, &id, token, resolution, ttl).await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
