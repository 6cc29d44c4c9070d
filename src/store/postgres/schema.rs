//! The tables, and the steps from one version of them to the next.

use super::link::{Columns, Link};
use crate::idempotency::{StoreError, Trouble};

/// The version that is written here.
const VERSION: i64 = 1;

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

/// Within a transaction, which is then committed.
pub(super) async fn migrate(tx: &impl Link) -> Result<(), StoreError> {
    // Whatever the default is: who has waited for the lock has to see what was committed meanwhile.
    tx.run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
    tx.ask("SELECT pg_advisory_xact_lock($1)", &[LOCK.into()]).await?;
    let there = tx.ask("SELECT to_regclass('buttress_meta') IS NOT NULL AS there", &[]).await?;
    let there = there.first().map_or(Ok(false), |row| row.flag("there"))?;
    let found = if there {
        let version = tx.ask("SELECT version::bigint AS version FROM buttress_meta", &[]).await?;
        version.first().map_or(Ok(0), |row| row.big("version"))?
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
        tx.run("CREATE TABLE buttress_meta (version integer NOT NULL); INSERT INTO buttress_meta VALUES (0)")
            .await?;
    }
    for step in &STEPS[usize::try_from(found).unwrap_or(0)..] {
        tx.run(step).await?;
    }
    tx.ask("UPDATE buttress_meta SET version = $1::bigint RETURNING 1", &[VERSION.into()]).await?;
    Ok(())
}
