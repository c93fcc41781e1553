-- Notes where somebody has signed in; those that were used least recently end for it when there are too many.
-- KEYS[1] workspace root: the account's
-- ARGV    id
--         device   what it says of itself
--         hash     of its token
--         life_ms
--         most     how many one may have
-- Returns the sign-ins that end for it
redis.call('HSET', K.sign_in(id), 'device', device, 'began', NOW, 'token', hash)
redis.call('PEXPIRE', K.sign_in(id), life_ms)
redis.call('ZADD', K.sign_ins(), NOW, id)
redis.call('PEXPIRE', K.sign_ins(), life_ms)
redis.call('ZREMRANGEBYSCORE', K.sign_ins(), '-inf', NOW - tonumber(life_ms))
return redis.call('ZRANGE', K.sign_ins(), 0, -1 - tonumber(most))
