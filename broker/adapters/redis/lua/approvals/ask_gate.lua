-- A run of a workflow asks people whether it may go on, once.
-- KEYS[1] workspace root
-- ARGV    id
--         run
--         session
--         name     who asks, for people
--         body     JSON, as of an agent's request
-- Returns 1, or 0 when it was asked before
-- uses: log
if redis.call('EXISTS', K.approval(id)) == 1 then return 0 end
local all = K.session_approvals(session)
redis.call('HSET', K.approval(id), 'id', id, 'agent', '', 'gate', run, 'session', session, 'name', name,
  'status', 'pending', 'body', body, 'asked_ms', NOW, 'deadline_ms', NOW + T.workflow_open_s * 1000)
redis.call('EXPIRE', K.approval(id), T.workflow_open_s)
redis.call('ZADD', all, next_place(all), id)
redis.call('ZREMRANGEBYRANK', all, 0, -1001)
redis.call('EXPIRE', all, T.workflow_open_s)
redis.call('ZADD', K.pending_approvals(), NOW, id)
append(session, 'approval.requested', nil, name, extended(body, 'id', id, 'agent', name, 'agent_id', '',
  'status', 'pending', 'run', run))
return 1
