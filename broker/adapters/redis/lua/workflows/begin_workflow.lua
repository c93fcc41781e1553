-- Begins a run of a workflow, once: its record, the first entry of its journal, and the time of its first look.
-- KEYS[1] workspace root
-- ARGV    run
--         digest      of the request
--         session
--         row         JSON object of the record's further fields
--         definition  the hash of the file
--         text        of the file
--         entry       the first one, JSON
--         told        JSON for the log
-- Returns 1 when it has begun, 0 when it was begun before
-- uses: workflows plans
local known = redis.call('HGET', K.workflow_run(run), 'digest')
if known then
  if known ~= digest then
    return refuse('Conflict', 'IDEMPOTENCY_MISMATCH', 'this Idempotency-Key was used for another run')
  end
  return 0
end
if redis.call('EXISTS', K.session(session)) == 0 then
  return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session')
end
local full = backlog_full(session)
if full then return full end
if redis.call('SCARD', K.workflow_open()) >= T.workflow_open_runs then
  return refuse('Conflict', 'TOO_MANY_RUNS', T.workflow_open_runs .. ' runs of this workspace have not ended: that is all it may have; cancel some first')
end
for name, value in pairs(cjson.decode(row)) do redis.call('HSET', K.workflow_run(run), name, value) end
redis.call('HSET', K.workflow_run(run), 'digest', digest, 'session', session, 'definition', definition, 'started', NOW,
  'entries', 0, 'fence', 0)
redis.call('SET', K.workflow_definition(definition), text, 'KEEPTTL')
write_entries(run, {entry})
set_run_state(run, session, definition, 'running', '')
local runs = K.workflow_runs()
redis.call('ZADD', runs, next_place(runs), run)
redis.call('ZREMRANGEBYRANK', runs, 0, -T.workflow_runs - 1)
redis.call('EXPIRE', runs, T.workflow_open_s)
append(session, 'workflow.started', nil, nil, told)
count('workflow_runs', 1)
look_at_run_at(run, NOW)
return 1
