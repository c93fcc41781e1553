-- The agent no longer waits for an answer.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 native request id
-- uses: report approvals
local native = ARGV[7]
local id = redis.call('HGET', K.asks(a.id), native)
if not id then return 0 end
resolve_approval(a, id, 'withdrawn', 'agent', '', nil, '')
redis.call('HDEL', K.asks(a.id), native)
return 1
