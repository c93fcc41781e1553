-- A session was looked at up to an offset for what hooks wait for.
-- KEYS[1] workspace root
-- ARGV    session
--         offset
-- Returns 1 when nothing more waits there
-- uses: log
local head = tonumber(redis.call('HGET', K.session(session), 'offset') or '0')
if head <= tonumber(offset) then
  redis.call('ZREM', K.hooks_due(), session)
  return 1
end
redis.call('ZADD', K.hooks_due(), 'XX', 'GT', tonumber(offset) + 1, session)
return 0
