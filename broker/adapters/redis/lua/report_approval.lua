-- The agent asks for permission. A rule may have decided already; then it is answered in the same step.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 approval id  8 native request id  9 approval JSON  10 deadline after, ms
--         11 '' or the status a rule gave  12 the rule's name  13 answer JSON for the agent
--         14 the tool's input JSON where secrets are masked in 9, else ''; kept until the answer, for the agent alone
-- uses: report approvals
local id, native = ARGV[7], ARGV[8]
if redis.call('HEXISTS', K.asks(a.id), native) == 1 then return 0 end -- a reconnected codex asks again with the same id
redis.call('HSET', K.approval(id), 'id', id, 'agent', a.id, 'session', a.session, 'name', a.name, 'native', native,
  'generation', a.generation, 'status', 'pending', 'body', ARGV[9], 'asked_ms', NOW, 'deadline_ms', NOW + ARGV[10])
if ARGV[14] ~= '' then redis.call('HSET', K.approval(id), 'given', ARGV[14]) end
redis.call('EXPIRE', K.approval(id), 2592000)
redis.call('HSET', K.asks(a.id), native, id)
redis.call('ZADD', K.session_approvals(a.session), NOW, id)
redis.call('ZREMRANGEBYRANK', K.session_approvals(a.session), 0, -1001)
append(a.session, 'approval.requested', a.id, a.name, string.sub(ARGV[9], 1, -2) .. ',"id":"' .. id
  .. '","agent":' .. json(a.name) .. ',"agent_id":"' .. a.id .. '","status":"pending","decided_by":' .. json(ARGV[12] ~= '' and ARGV[12])
  .. ',"deadline_ms":' .. (NOW + ARGV[10]) .. '}')
if ARGV[11] ~= '' then
  resolve_approval(a, id, ARGV[11], ARGV[12], '', ARGV[13])
else
  redis.call('ZADD', K.pending_approvals(), NOW, id)
  redis.call('HSET', K.agent(a.id), 'waiting', redis.call('HLEN', K.asks(a.id)))
  wake_at(NOW + ARGV[10], 'approval|' .. id)
end
return 1
