-- The agent no longer waits for an answer.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 native request id
-- uses: report approvals
local id = redis.call('HGET', K.asks(a.id), ARGV[7])
if not id then return 0 end
resolve_approval(a, id, 'withdrawn', 'agent', '', nil)
return 1
