//! The tables, and the steps from one version of them to the next.

use crate::idempotency::{StoreError, Trouble};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

/// The version that is written here.
const VERSION: i64 = 1;

/// From nothing to version 1, from 1 to 2, and so on. What has been released is never changed.
const STEPS: [&str; VERSION as usize] = ["
CREATE TABLE buttress_idem (
    scope       BLOB    NOT NULL CHECK (length(scope) = 32),
    key_hash    BLOB    NOT NULL CHECK (length(key_hash) = 32),
    fp_rule     INTEGER NOT NULL,
    fingerprint BLOB    NOT NULL,
    state       INTEGER NOT NULL,  -- 0 running, 1 done, 2 released, 3 unknown
    token       INTEGER NOT NULL,  -- the number of the attempt
    owner       BLOB    NOT NULL,  -- the nonce of its claim
    takeover    INTEGER NOT NULL,  -- when the lease is over: 1 taken over, 0 parked
    lease       INTEGER NOT NULL,  -- all times in microseconds
    lease_until INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    heard_at    INTEGER NOT NULL,  -- the last word of its owner
    point       TEXT,              -- the recovery point, and what the handler keeps with it
    payload     BLOB,
    answer      BLOB,
    PRIMARY KEY (scope, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX buttress_idem_expires ON buttress_idem (expires_at);
CREATE INDEX buttress_idem_open ON buttress_idem (scope, key_hash) WHERE state IN (0, 3);
INSERT INTO buttress_meta VALUES ('clock', 0);
"];

/// Makes the tables, or brings them to this version; those of a newer one are refused and left alone.
pub(super) fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    refuse_newer_file(db)?;
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
    // Another process may have been faster.
    let found = version(&tx).map_err(unavailable)?;
    refuse_newer(found)?;
    if found < VERSION {
        advance(&tx, found).map_err(unavailable)?;
    }
    tx.commit().map_err(unavailable)
}

/// Only reads, so that a file that is refused is not written to.
pub(super) fn refuse_newer_file(db: &Connection) -> Result<(), StoreError> {
    refuse_newer(version(db).map_err(unavailable)?)
}

fn refuse_newer(found: i64) -> Result<(), StoreError> {
    if found > VERSION {
        let words = format!("the file is of version {found}, and {VERSION} is the newest that is known here");
        return Err(StoreError::new(Trouble::Unreadable, words));
    }
    Ok(())
}

/// The version of the tables in a file; 0 where there are none.
fn version(db: &Connection) -> rusqlite::Result<i64> {
    let there = db
        .query_row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'buttress_meta'", [], |_| {
            Ok(())
        })
        .optional()?;
    match there {
        None => Ok(0),
        Some(()) => {
            db.query_row("SELECT value FROM buttress_meta WHERE name = 'version'", [], |row| row.get(0))
        }
    }
}

fn advance(tx: &Transaction<'_>, found: i64) -> rusqlite::Result<()> {
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS buttress_meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
    )?;
    let done = usize::try_from(found).unwrap_or(0);
    for step in &STEPS[done..] {
        tx.execute_batch(step)?;
    }
    tx.execute(
        "INSERT INTO buttress_meta VALUES ('version', ?1) ON CONFLICT DO UPDATE SET value = ?1",
        [VERSION],
    )?;
    Ok(())
}

fn unavailable(error: rusqlite::Error) -> StoreError {
    super::rows::trouble(error)
}
