-- Lets a sign-in of an account live longer.
-- KEYS[1] workspace root: the account's
-- ARGV    id
--         life_ms
-- Returns 1; 0 when it has ended
if redis.call('PEXPIRE', K.sign_in(id), life_ms) == 0 then return 0 end
redis.call('ZADD', K.sign_ins(), NOW, id)
redis.call('PEXPIRE', K.sign_ins(), life_ms)
return 1
