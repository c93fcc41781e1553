-- Takes due timers. Each is put back a little later, so that a worker that dies does not lose it; the decision it
-- leads to removes it.
-- KEYS[1] workspace root
-- ARGV    most
--         lease_ms
--         before  when the caller was here last, by this clock; '' at first
--         lasted  milliseconds since then, by a clock that nobody sets
--         steps   by how much the clock had been set until then, as they were told
-- Returns {due names…, time of the next one or -1, now, by how much the clock has been set}
-- uses: clock
local all_steps = notice_step(before, lasted, steps)
local due = redis.call('ZRANGEBYSCORE', K.timers(), '-inf', NOW, 'LIMIT', 0, most)
for _, name in ipairs(due) do redis.call('ZADD', K.timers(), NOW + lease_ms, name) end
local next_one = redis.call('ZRANGE', K.timers(), 0, 0, 'WITHSCORES')
return {due, next_one[2] and tonumber(next_one[2]) or -1, NOW, all_steps}
