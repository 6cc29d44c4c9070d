//! What runs on the server: each step as one script.
//!
//! Lua's numbers hold microseconds since 1970 exactly, and would be written with 14 digits: hence `%.0f`.

use redis::Script;
use std::sync::LazyLock;

/// Time, the fields of a record in the order of [`fields`](super::fields), and how a record vanishes in the end: a lease
/// after it has expired, so that a former owner still finds what fences it. The set of its tenant's records, where there is one,
/// stays at least as long.
const COMMON: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function int(number) return string.format('%.0f', number) end
local function seen()
  return {now, redis.call('HMGET', KEYS[1], 'fp_rule', 'fingerprint', 'state', 'token', 'owner', 'takeover', 'lease',
    'lease_until', 'expires_at', 'heard_at', 'point', 'payload', 'answer')}
end
local function keep_set(at)
  local left = redis.call('PTTL', KEYS[2])
  if left ~= -2 and left < at - now / 1000 then redis.call('PEXPIREAT', KEYS[2], int(at)) end
end
local function vanish(expires_at, lease)
  local at = math.ceil((expires_at + lease) / 1000)
  redis.call('PEXPIREAT', KEYS[1], int(at))
  keep_set(at)
end
local function is_of(token, owner)
  local is = redis.call('HMGET', KEYS[1], 'token', 'owner')
  return is[1] == token and is[2] == owner
end
";

fn script(text: &str) -> Script {
    Script::new(&[COMMON, text].concat())
}

/// Makes the record, or says what is there. It is given: rule, fingerprint, owner, takeover, lease, ttl.
pub(super) static CLAIM: LazyLock<Script> = LazyLock::new(|| script(BEGIN));

const BEGIN: &str = "
if redis.call('EXISTS', KEYS[1]) == 1 then return seen() end
local lease = tonumber(ARGV[5])
local lease_until = now + lease
local expires_at = lease_until + tonumber(ARGV[6])
redis.call('HSET', KEYS[1], 'fp_rule', ARGV[1], 'fingerprint', ARGV[2], 'state', '0', 'token', '1', 'owner', ARGV[3],
  'takeover', ARGV[4], 'lease', ARGV[5], 'lease_until', int(lease_until), 'expires_at', int(expires_at),
  'heard_at', int(now))
vanish(expires_at, lease)
return {}";

/// The same within a quota: given also how many records, and how many bytes of answers. The set of the tenant's records is
/// kept only by claims that ask for one; it and they stand in one slot. What has expired counts no more, and stays in the set until it
/// has vanished: it may begin anew before that, and counts again.
pub(super) static CLAIM_WITHIN: LazyLock<Script> = LazyLock::new(|| {
    let room = "
if redis.call('EXISTS', KEYS[1]) == 0 then
  local records, bytes = 0, 0
  for _, key in ipairs(redis.call('SMEMBERS', KEYS[2])) do
    local is = redis.call('HMGET', key, 'expires_at', 'state', 'lease_until')
    local leased = is[2] == '0' and tonumber(is[3]) > now
    if not is[1] then
      redis.call('SREM', KEYS[2], key)
    elseif leased or tonumber(is[1]) > now then
      records = records + 1
      bytes = bytes + redis.call('HSTRLEN', key, 'answer')
    end
  end
  if records >= tonumber(ARGV[7]) or bytes >= tonumber(ARGV[8]) then return {2} end
  redis.call('SADD', KEYS[2], KEYS[1])
elseif redis.call('SISMEMBER', KEYS[2], KEYS[1]) == 0 then
  -- Of before there was a quota. A server that is full may refuse this, and still has to say what is there.
  if redis.pcall('SADD', KEYS[2], KEYS[1]) == 1 then
    keep_set(redis.call('PTTL', KEYS[1]) + math.ceil(now / 1000))
  end
end
";
    script(&[room, BEGIN].concat())
});

pub(super) static READ: LazyLock<Script> = LazyLock::new(|| {
    script(
        "
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
return seen()",
    )
});

/// Writes what was decided, if the record is still what it was decided upon: given 5 fields of that, then all of the new one
/// in the order of `HSET` below, whether it is a new life, and its answer.
pub(super) static SWAP: LazyLock<Script> = LazyLock::new(|| {
    script(
        "
local is = redis.call('HMGET', KEYS[1], 'state', 'token', 'owner', 'lease_until', 'expires_at')
for i = 1, 5 do
  if is[i] ~= ARGV[i] then return 0 end
end
redis.call('HSET', KEYS[1], 'fp_rule', ARGV[6], 'fingerprint', ARGV[7], 'state', ARGV[8], 'token', ARGV[9],
  'owner', ARGV[10], 'takeover', ARGV[11], 'lease', ARGV[12], 'lease_until', ARGV[13], 'expires_at', ARGV[14])
if ARGV[8] ~= '3' then redis.call('HSET', KEYS[1], 'heard_at', int(now)) end
if ARGV[15] == '1' then redis.call('HDEL', KEYS[1], 'point', 'payload') end
if ARGV[16] == '' then redis.call('HDEL', KEYS[1], 'answer') else redis.call('HSET', KEYS[1], 'answer', ARGV[16]) end
vanish(tonumber(ARGV[14]), tonumber(ARGV[12]))
return 1",
    )
});

/// A sign of life: token, owner, lease.
pub(super) static RENEW: LazyLock<Script> = LazyLock::new(|| {
    script(
        "
local is = redis.call('HMGET', KEYS[1], 'state', 'lease_until', 'expires_at', 'lease')
if not is[1] then return {} end
if is[1] ~= '0' or not is_of(ARGV[1], ARGV[2]) then return seen() end
local lease_until = math.max(tonumber(is[2]), now + tonumber(ARGV[3]))
local expires_at = lease_until + tonumber(is[3]) - tonumber(is[2])
redis.call('HSET', KEYS[1], 'lease_until', int(lease_until), 'expires_at', int(expires_at), 'heard_at', int(now))
vanish(expires_at, tonumber(is[4]))
return {1}",
    )
});

/// The end of an attempt: token, owner, state, ttl, answer.
pub(super) static FINISH: LazyLock<Script> = LazyLock::new(|| {
    script(
        "
local is = redis.call('HMGET', KEYS[1], 'state', 'lease')
if not is[1] then return {} end
if (is[1] ~= '0' and is[1] ~= '3') or is[1] == ARGV[3] or not is_of(ARGV[1], ARGV[2]) then return seen() end
local expires_at = now + tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'expires_at', int(expires_at), 'heard_at', int(now))
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'answer', ARGV[5]) end
vanish(expires_at, tonumber(is[2]))
return {1}",
    )
});

/// How far an attempt has come: token, owner, point, payload.
pub(super) static RECOVERY: LazyLock<Script> = LazyLock::new(|| {
    script(
        "
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return {} end
if state ~= '0' or not is_of(ARGV[1], ARGV[2]) then return seen() end
redis.call('HSET', KEYS[1], 'point', ARGV[3], 'payload', ARGV[4], 'heard_at', int(now))
return {1}",
    )
});
