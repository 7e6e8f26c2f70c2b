"""What runs inside Valkey or Redis: each script is one atomic step on keys of one hash tag.

A bucket is a hash: ``v`` its version, ``c`` the mark of its last commit, each other field a
row's index with its day (eight octets, big-endian) and its sealed text.  An owner is a hash:
``n`` counts the rows in all buckets, ``e`` is the version of buckets that are not there, each
other field names a bucket.  A call's mark tells a server that it did already what it is asked
again because its answer was lost.
"""

from __future__ import annotations

import hashlib

import attrs


@attrs.frozen
class Script:
    """A Lua script and its SHA-1, by which a server that has it knows it."""

    text: str
    digest: str


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode("ascii"), usedforsecurity=False).hexdigest())


# Keys: bucket, owner.  Arguments: version, bucket's name, seconds to live, the call's mark,
# number of deletions, indexes to delete, then index and row in turn.
COMMIT = _script("""
local v = redis.call('HGET', KEYS[1], 'v') or redis.call('HGET', KEYS[2], 'e') or '0'
if redis.call('HGET', KEYS[1], 'c') == ARGV[4] then return 1 end
if v ~= ARGV[1] then return 0 end
local n, i = 0, 6
for _ = 1, tonumber(ARGV[5]) do
  n = n - redis.call('HDEL', KEYS[1], ARGV[i])
  i = i + 1
end
while i < #ARGV do
  n = n + redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  i = i + 2
end
redis.call('HSET', KEYS[1], 'v', string.format('%.0f', tonumber(v) + 1), 'c', ARGV[4])
redis.call('HINCRBY', KEYS[2], 'n', n)
redis.call('HSET', KEYS[2], ARGV[2], '')
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
""")

# Keys: bucket, owner.  Arguments: version, seconds to live, then index and row in turn.
TOUCH = _script("""
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
for i = 3, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1 then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
""")

# Key: owner.  Arguments: how far versions jump, seconds to live.  From here on no change
# that was decided before is taken.
JUMP = _script("""
redis.call('HINCRBY', KEYS[1], 'e', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return redis.call('HKEYS', KEYS[1])
""")

# Keys: bucket, owner.  Argument: the bucket's name.
CLEAR = _script("""
local n = redis.call('HLEN', KEYS[1])
  - redis.call('HEXISTS', KEYS[1], 'v') - redis.call('HEXISTS', KEYS[1], 'c')
redis.call('DEL', KEYS[1])
redis.call('HINCRBY', KEYS[2], 'n', 0 - n)
redis.call('HDEL', KEYS[2], ARGV[1])
return n
""")

# Keys: bucket, owner.  Arguments: version, bucket's name, seconds to live, then rows.
RESTORE = _script("""
local n = redis.call('HEXISTS', KEYS[1], 'v') + redis.call('HEXISTS', KEYS[1], 'c')
  - redis.call('HLEN', KEYS[1])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'v', ARGV[1])
for i = 4, #ARGV, 2 do
  n = n + redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('HINCRBY', KEYS[2], 'n', n)
redis.call('HSET', KEYS[2], ARGV[2], '')
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
""")

# Key: owner.  Arguments: the count that was read, the true one, names of buckets that are
# gone (a bucket that nobody touched ends by itself, and tells nobody).
RECOUNT = _script("""
if redis.call('HGET', KEYS[1], 'n') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'n', ARGV[2])
for i = 3, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
return 1
""")

# Keys: bucket, owner.  Argument: the day before which rows are over.
PURGE = _script("""
local n, all = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if #all[i] > 1 and struct.unpack('>i8', all[i + 1]) < tonumber(ARGV[1]) then
    n = n + redis.call('HDEL', KEYS[1], all[i])
  end
end
if n > 0 then redis.call('HINCRBY', KEYS[2], 'n', -n) end
return n
""")

# Keys: labels by day, origins by label.  Arguments: label, origin, day, how many at most,
# seconds to live.
REMEMBER = _script("""
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local most = tonumber(ARGV[4])
local over = redis.call('ZCARD', KEYS[1]) - most
if over > 0 then
  local gone = redis.call('ZPOPMIN', KEYS[1], over + math.floor(most / 100))
  for i = 1, #gone, 2 do redis.call('HDEL', KEYS[2], gone[i]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 1
""")

# Keys: the same.  Argument: the day before which they are forgotten.
FORGET_ORIGINS = _script("""
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, 1000)
for _, label in ipairs(gone) do
  redis.call('ZREM', KEYS[1], label)
  redis.call('HDEL', KEYS[2], label)
end
return #gone
""")

# Key: a token bucket.  Arguments: cost, capacity, tokens a second, now, the call's mark.
# Returns the seconds to wait as text; '0': taken.
SPEND = _script("""
local cost, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local rate, now = tonumber(ARGV[3]), tonumber(ARGV[4])
local held = redis.call('HMGET', KEYS[1], 't', 'a', 'c')
if held[3] == ARGV[5] then return '0' end
local tokens, at = tonumber(held[1] or '') or capacity, tonumber(held[2] or '') or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * rate)
if tokens < cost then return string.format('%.17g', (cost - tokens) / rate) end
tokens = tokens - cost
at = string.format('%.17g', math.max(at, now))
redis.call('HSET', KEYS[1], 't', string.format('%.17g', tokens), 'a', at, 'c', ARGV[5])
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) / rate * 1000) + 1000)
return '0'
""")

# Key: a nonce.  Arguments: the call's mark, seconds to live.
CONSUME = _script("""
local by = redis.call('GET', KEYS[1])
if by then return by == ARGV[1] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
""")
