-- Puts what a request came to in the place of its entry. An entry of somebody else, who has the request by now, stays.
-- KEYS[1] workspace root
-- ARGV    1 request  2 the entry as it was written  3 what it came to, '' when it may be tried again  4 its life, ms
-- Returns 1 when it was put there or taken away
local kept = redis.call('GET', K.once(ARGV[1]))
if kept and kept ~= ARGV[2] then return 0 end
if ARGV[3] == '' then return redis.call('DEL', K.once(ARGV[1])) end
redis.call('SET', K.once(ARGV[1]), ARGV[3], 'PX', ARGV[4])
return 1
