-- Takes due timers. Each is put back a little later, so that a worker that dies does not lose it; the decision it
-- leads to removes it.
-- KEYS[1] workspace root
-- ARGV    most
--         lease_ms
-- Returns {due names…, time of the next one or -1}
local due = redis.call('ZRANGEBYSCORE', K.timers(), '-inf', NOW, 'LIMIT', 0, most)
for _, name in ipairs(due) do redis.call('ZADD', K.timers(), NOW + lease_ms, name) end
local next_one = redis.call('ZRANGE', K.timers(), 0, 0, 'WITHSCORES')
return {due, next_one[2] and tonumber(next_one[2]) or -1, NOW}
