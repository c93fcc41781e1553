-- Begins a family of short-lived tokens, for what is still good.
-- KEYS[1] workspace root
-- ARGV    family
--         holder    a token id, or a member id
--         hangs_on  a token or a sign-in
--         owner     whom its tokens stand for, JSON
--         proof     hash
--         refresh   hash of the refresh token
--         token     hash
--         life_ms   from its last use
--         until_ms
--         most      how many one may have
-- Returns 1
-- uses: access
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
