//! The tables, and the steps from one version of them to the next.

use super::rows::trouble;
use crate::idempotency::{StoreError, Trouble};
use deadpool_postgres::ClientWrapper;

/// The version that is written here.
const VERSION: i32 = 1;

/// From nothing to version 1, from 1 to 2, and so on. What has been released is never changed.
const STEPS: [&str; VERSION as usize] = ["
CREATE TABLE buttress_idem (
    scope       bytea       NOT NULL CHECK (octet_length(scope) = 32),
    key_hash    bytea       NOT NULL CHECK (octet_length(key_hash) = 32),
    fp_rule     smallint    NOT NULL,
    fingerprint bytea       NOT NULL,
    state       smallint    NOT NULL,
    token       bigint      NOT NULL,
    owner       bytea       NOT NULL,
    takeover    boolean     NOT NULL,
    lease       bigint      NOT NULL,
    lease_until timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    heard_at    timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    point       text,
    payload     bytea,
    answer      bytea,
    PRIMARY KEY (scope, key_hash)
) WITH (fillfactor = 70);
CREATE INDEX buttress_idem_expires ON buttress_idem (expires_at);
CREATE INDEX buttress_idem_open ON buttress_idem (scope, key_hash) WHERE state IN (0, 3);
COMMENT ON COLUMN buttress_idem.state IS '0 running, 1 done, 2 released: may run again, 3 unknown: parked';
COMMENT ON COLUMN buttress_idem.token IS 'the number of the attempt; shown by its owner at every step';
COMMENT ON COLUMN buttress_idem.owner IS 'the nonce of the claim';
COMMENT ON COLUMN buttress_idem.takeover IS 'when the lease is over: taken over by the next claim, or parked';
COMMENT ON COLUMN buttress_idem.lease IS 'microseconds';
COMMENT ON COLUMN buttress_idem.heard_at IS 'the last word of the owner';
"];

/// So that two nodes that start at once do not both make the tables. Any number that nobody else locks.
const LOCK: i64 = 0x6275_7474_7265_7373;

pub(super) async fn migrate(db: &mut ClientWrapper) -> Result<(), StoreError> {
    let tx = db.transaction().await.map_err(trouble)?;
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(trouble)?;
    let there = tx
        .query_one("SELECT to_regclass('buttress_meta') IS NOT NULL", &[])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(trouble)?;
    let found: i32 = if there {
        tx.query_one("SELECT version FROM buttress_meta", &[])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(trouble)?
    } else {
        0
    };
    if found > VERSION {
        let words =
            format!("the tables are of version {found}, and {VERSION} is the newest that is known here");
        return Err(StoreError::new(Trouble::Unreadable, words));
    }
    if found == VERSION {
        return Ok(());
    }
    if !there {
        tx.batch_execute(
            "CREATE TABLE buttress_meta (version integer NOT NULL); INSERT INTO buttress_meta VALUES (0)",
        )
        .await
        .map_err(trouble)?;
    }
    for step in &STEPS[usize::try_from(found).unwrap_or(0)..] {
        tx.batch_execute(step).await.map_err(trouble)?;
    }
    tx.execute("UPDATE buttress_meta SET version = $1", &[&VERSION]).await.map_err(trouble)?;
    tx.commit().await.map_err(trouble)
}
