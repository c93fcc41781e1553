-- Keeps what a step that waits for a webhook was called with, once.
-- KEYS[1] workspace root
-- ARGV    run
--         effect  of the attempt
--         body    text
-- Returns 1; 0 for the same body again
-- uses: workflows
local r = fields(K.workflow_run(run), 'state', 'definition')
if not r.state or (redis.call('HGET', K.workspace(), 'state') or 'active') ~= 'active' then
  return refuse('NotFound', 'WEBHOOK_NOT_FOUND', 'nothing waits at this address')
end
local name = 'delivered:' .. effect
local known = redis.call('HGET', K.workflow_outputs(run), name)
if known == body then return 0 end
if known then return refuse('Conflict', 'WEBHOOK_USED', 'this address was called before, with something else') end
if OVER[r.state] then return refuse('Conflict', 'RUN_ENDED', 'the run is over') end
write_outputs(run, {[name] = body})
if redis.call('HEXISTS', K.workflow_outputs(run), name) == 0 then
  return refuse('Conflict', 'RUN_FULL', 'the outputs of the run take all the room that a run has')
end
keep_run(run, r.definition, T.workflow_kept_s)
wake_run(run)
return 1
