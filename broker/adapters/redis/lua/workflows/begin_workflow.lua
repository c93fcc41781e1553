-- Begins a run of a workflow, once: its record, the first entry of its journal, and the time of its first look.
-- KEYS[1] workspace root
-- ARGV    run
--         digest      of the request
--         session
--         row         JSON object of the record's further fields
--         definition  the hash of the file
--         text        of the file
--         entries     JSON list of texts: the first one, and what it goes on from
--         outputs     JSON object of texts, that they name
--         told        JSON for the log
-- Returns 1 when it has begun, 0 when it was begun before
-- uses: workflows plans audit
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
local unpaid = not_paid_for(redis.call('HGET', K.workspace(), 'plan') or 'free')
if unpaid then return unpaid end
if redis.call('SCARD', K.workflow_open()) >= T.workflow_open_runs then
  return refuse('Conflict', 'TOO_MANY_RUNS', T.workflow_open_runs .. ' runs of this workspace have not ended: that is all it may have; cancel some first')
end
local about = cjson.decode(row)
for name, value in pairs(about) do redis.call('HSET', K.workflow_run(run), name, value) end
redis.call('HSET', K.workflow_run(run), 'digest', digest, 'session', session, 'definition', definition, 'started', NOW,
  'entries', 0, 'fence', 0)
redis.call('SET', K.workflow_definition(definition), text, 'KEEPTTL')
write_outputs(run, cjson.decode(outputs))
write_entries(run, cjson.decode(entries))
set_run_state(run, session, definition, 'running', '')
if about.root == '' then -- one that another run calls is a part of that
  local runs = K.workflow_runs()
  redis.call('ZADD', runs, next_place(runs), run)
  redis.call('ZREMRANGEBYRANK', runs, 0, -T.workflow_runs - 1)
  redis.call('EXPIRE', runs, T.workflow_open_s)
  count('workflow_runs', 1)
  record_act('workflow.started', 'run ' .. run, nil, 'in session ' .. session)
end
append(session, 'workflow.started', nil, nil, told)
look_at_run_at(run, NOW)
return 1
