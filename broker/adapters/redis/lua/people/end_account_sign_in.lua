-- Ends a sign-in of an account.
-- KEYS[1] workspace root: the account's
-- ARGV    id
-- Returns the hash of its token; '' when it has ended already
local hash = redis.call('HGET', K.sign_in(id), 'token') or ''
redis.call('DEL', K.sign_in(id))
redis.call('ZREM', K.sign_ins(), id)
return hash
