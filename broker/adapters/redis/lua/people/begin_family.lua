-- Begins a family of short-lived tokens, for what is still good.
-- KEYS[1] workspace root
-- ARGV    1 family id  2 who has it: a token id, or a member id  3 id of the token or sign-in it hangs on
--         4 whom its tokens stand for, JSON  5 hash of its proof  6 hash of the refresh token  7 hash of the token
--         8 how long it lives from its last use, ms  9 until when that is  10 how many one may have
-- Returns 1
-- uses: access
local family, holder, hangs_on, owner, proof, refresh, token, life_ms, until_ms, most = unpack(ARGV)
if not is_good(hangs_on) then
  return refuse('NotAuthenticated', 'TOKEN_REVOKED', 'what is exchanged has been revoked, or is of an older sign-in: sign in again')
end
local key, all = K.family(family), K.families(holder)
redis.call('HSET', key, 'holder', holder, 'hangs_on', hangs_on, 'owner', owner, 'proof', proof, 'used', '',
  'next', refresh, 'tokens', token, 'until', until_ms)
redis.call('PEXPIRE', key, life_ms)
redis.call('ZADD', all, NOW, family)
redis.call('PEXPIRE', all, life_ms)
local over = redis.call('ZRANGE', all, 0, -1 - most)
for _, each in ipairs(over) do
  redis.call('DEL', K.family(each))
  redis.call('ZREM', all, each)
end
if #over > 0 then tell_access_changed({families = over}) end
return 1
