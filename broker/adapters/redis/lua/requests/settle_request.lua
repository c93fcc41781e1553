-- Puts what a request came to in the place of its entry. An entry of somebody else, who has the request by now, stays.
-- KEYS[1] workspace root
-- ARGV    request
--         entry    as it was written
--         outcome  what it came to, '' when it may be tried again
--         life_ms
-- Returns 1 when it was put there or taken away
-- unguarded: says what became of a request that was carried out
local kept = redis.call('GET', K.once(request))
if kept and kept ~= entry then return 0 end
if outcome == '' then return redis.call('DEL', K.once(request)) end
redis.call('SET', K.once(request), outcome, 'PX', life_ms)
return 1
