-- A machine is given a token in-band. It keeps the newest; a few older ones stay good, as it may not have got the last.
-- KEYS[1] workspace root
-- ARGV    1 proxy id  2 hash of the token  3 how many stay good  4 how long the token lives, s
-- Returns the hashes of those that end with it
local proxy, hash, most, life_s = unpack(ARGV)
if redis.call('EXISTS', K.link(proxy)) == 0 then return {hash} end
redis.call('LPUSH', K.link_tokens(proxy), hash)
local over = redis.call('LRANGE', K.link_tokens(proxy), most, -1)
redis.call('LTRIM', K.link_tokens(proxy), 0, most - 1)
redis.call('EXPIRE', K.link_tokens(proxy), life_s)
return over
