-- Lets go of a run that was looked at.
-- KEYS[1] workspace root
-- ARGV    run
--         fence   of the worker's claim
--         due_ms  when it is to be looked at again, '' for when something happens to it
--         held    why nothing is done for it meanwhile, '' when something is
-- Returns 1, or 0 when it is another worker's by now
-- uses: log
local r = fields(K.workflow_run(run), 'fence', 'again', 'state')
if r.fence ~= fence then return 0 end
redis.call('HDEL', K.workflow_run(run), 'leased', 'again')
redis.call('HSET', K.workflow_run(run), 'held', held)
if r.again then
  look_at_run_at(run, NOW)
elseif due_ms ~= '' then
  look_at_run_at(run, tonumber(due_ms))
else
  redis.call('ZREM', K.workflow_due(), run)
end
return 1
