-- The agent no longer waits for an answer.
-- KEYS[1] workspace root
-- ARGV    native  request id
-- Returns 1, or 0 when it is not heard
-- uses: report approvals
local id = redis.call('HGET', K.asks(a.id), native)
if not id then return 0 end
resolve_approval(a, id, 'withdrawn', 'agent', '', nil, '')
redis.call('HDEL', K.asks(a.id), native)
return 1
