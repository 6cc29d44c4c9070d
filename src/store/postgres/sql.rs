//! The statements.

/// A first claim: makes the record, or says what is there. In one round trip: no row comes back only where somebody has
/// committed the record after this statement had begun; then [`READ`] sees it.
///
/// `ON CONFLICT` waits for a claim of the same record that has not been committed, and writes nothing where one is there.
pub(super) const CLAIM: &str = "
WITH made AS (
    INSERT INTO buttress_idem (scope, key_hash, fp_rule, fingerprint, state, token, owner, takeover, lease,
                               lease_until, expires_at, heard_at)
    SELECT $1, $2, $3, $4, 0, 1, $5, $6, $7, t + $7 * interval '1 microsecond',
           t + $7 * interval '1 microsecond' + $8 * interval '1 microsecond', t
    FROM clock_timestamp() AS t
    ON CONFLICT (scope, key_hash) DO NOTHING
    RETURNING token
)
SELECT true AS made, NULL::smallint AS fp_rule, NULL::bytea AS fingerprint, NULL::smallint AS state, token,
       NULL::bytea AS owner, NULL::boolean AS takeover, NULL::bigint AS lease, NULL::timestamptz AS lease_until,
       NULL::timestamptz AS expires_at, NULL::timestamptz AS now, NULL::text AS point, NULL::bytea AS payload,
       NULL::bytea AS answer
FROM made
UNION ALL
SELECT false, fp_rule, fingerprint, state, token, owner, takeover, lease, lease_until, expires_at, clock_timestamp(),
       point, payload, answer
FROM buttress_idem WHERE scope = $1 AND key_hash = $2 AND NOT EXISTS (SELECT 1 FROM made)";

pub(super) const READ: &str = "
SELECT fp_rule, fingerprint, state, token, owner, takeover, lease, lease_until, expires_at, clock_timestamp() AS now,
       point, payload, answer
FROM buttress_idem WHERE scope = $1 AND key_hash = $2";

/// Writes what was decided, if the row is still what it was decided upon. A new life ($17) keeps nothing of the former.
/// Parking is no word of the owner, so that it leaves `heard_at` alone.
pub(super) const SWAP: &str = "
UPDATE buttress_idem SET
    fp_rule = $8, fingerprint = $9, state = $10, token = $11, owner = $12, takeover = $13, lease = $14,
    lease_until = $15, expires_at = $16, answer = $18,
    heard_at = CASE WHEN $10 = 3 THEN heard_at ELSE clock_timestamp() END,
    created_at = CASE WHEN $17 THEN clock_timestamp() ELSE created_at END,
    point = CASE WHEN $17 THEN NULL ELSE point END,
    payload = CASE WHEN $17 THEN NULL ELSE payload END
WHERE scope = $1 AND key_hash = $2 AND state = $3 AND token = $4 AND owner = $5 AND lease_until = $6
  AND expires_at = $7
RETURNING 1";

/// The usual renewal: the row says whose it is. Where nothing comes back, [`Record`](crate::idempotency::Record) says why.
pub(super) const RENEW: &str = "
UPDATE buttress_idem SET
    lease_until = greatest(lease_until, t + $5 * interval '1 microsecond'),
    expires_at = greatest(lease_until, t + $5 * interval '1 microsecond') + (expires_at - lease_until),
    heard_at = t
FROM clock_timestamp() AS t
WHERE scope = $1 AND key_hash = $2 AND token = $3 AND owner = $4 AND state = 0
RETURNING 1";

pub(super) const FINISH: &str = "
UPDATE buttress_idem SET state = $5, answer = $6, expires_at = t + $7 * interval '1 microsecond', heard_at = t
FROM clock_timestamp() AS t
WHERE scope = $1 AND key_hash = $2 AND token = $3 AND owner = $4 AND state IN (0, 3) AND state <> $5
RETURNING 1";

pub(super) const RECOVERY: &str = "
UPDATE buttress_idem SET point = $5, payload = $6, heard_at = clock_timestamp()
WHERE scope = $1 AND key_hash = $2 AND token = $3 AND owner = $4 AND state = 0
RETURNING 1";

pub(super) const ROOM: &str = "
SELECT count(*) AS records, coalesce(sum(octet_length(answer)), 0)::bigint AS bytes,
       coalesce(bool_or(key_hash = $2), false) AS known
FROM buttress_idem
WHERE scope = $1 AND (expires_at > clock_timestamp() OR state = 0 AND lease_until > clock_timestamp())";

/// Several nodes may purge at once: each takes rows that no other has.
pub(super) const PURGE: &str = "
DELETE FROM buttress_idem WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM buttress_idem
    WHERE expires_at <= clock_timestamp() AND expires_at + lease * interval '1 microsecond' <= clock_timestamp()
      AND NOT (state = 0 AND lease_until > clock_timestamp())
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING 1";

pub(super) const PARKED: &str = "
SELECT scope, key_hash, token, point, payload, heard_at, clock_timestamp() AS now
FROM buttress_idem
WHERE (scope, key_hash) > ($1, $2)
  AND (state = 3 AND expires_at > clock_timestamp()
       OR state = 0 AND NOT takeover AND lease_until <= clock_timestamp() AND expires_at > clock_timestamp())
ORDER BY scope, key_hash LIMIT $3";
