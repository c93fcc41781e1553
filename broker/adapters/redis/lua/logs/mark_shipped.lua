-- The long history has a session's events up to an offset: Redis may let go of all but a tail of them.
-- KEYS[1] workspace root
-- ARGV    session
--         epoch
--         offset
--         keep     entries behind it
-- Returns 1 when nothing more waits, 0 when more does, -1 when the log is another one
-- uses: log
offset = tonumber(offset)
local meta = meta_of(session)
if meta.epoch ~= epoch then return -1 end
-- Never ahead of what is here: the store may have lost its last seconds, and what comes in their place must be shipped.
local shipped = math.max(tonumber(meta.shipped or '0'), math.min(offset, tonumber(meta.offset)))
redis.call('HSET', K.session(session), 'shipped', shipped)
trim_log(session, math.max(0, shipped - keep), shipped, is_crowded() and T.crowded_tail_bytes or T.shipped_tail_bytes)
if shipped < tonumber(meta.offset) then return 0 end
redis.call('SREM', K.unshipped(), session)
return 1
