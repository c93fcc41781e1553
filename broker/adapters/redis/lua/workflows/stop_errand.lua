-- Lets what a step has done at another service end: nobody begins it any more, and who does it makes no other request.
-- KEYS[1] workspace root
-- ARGV    run
--         effect  of the attempt
--         told    JSON of its end, kept where nobody does it and it has none
-- Returns for how many ms the request that is under way may last; 0 when there is none
-- uses: workflows
local r = fields(K.workflow_run(run), 'state', 'definition')
if not r.state then return 0 end
local key = K.errand(run, effect)
local left_ms = redis.call('PTTL', key)
if left_ms > 0 then
  redis.call('HSET', key, 'stopping', 1)
  return left_ms
end
redis.call('HSETNX', K.workflow_outputs(run), 'errand:' .. effect, told)
keep_run(run, r.definition, T.workflow_kept_s)
return 0
