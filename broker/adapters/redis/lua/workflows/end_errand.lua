-- Keeps how it ended, lets go of the lease, and lets the run be looked at.
-- KEYS[1] workspace root
-- ARGV    run
--         effect   of the attempt
--         holder   of the lease
--         told     JSON of its end; '' when the lease is let go of without one
--         outputs  JSON object of texts that `told` names
-- Returns 1; 0 when the lease has ended or is another's: nothing is kept then
-- uses: workflows
local r = fields(K.workflow_run(run), 'state', 'definition')
if not r.state or redis.call('HGET', K.errand(run, effect), 'holder') ~= holder then return 0 end
redis.call('DEL', K.errand(run, effect))
if told ~= '' then
  write_outputs(run, cjson.decode(outputs))
  redis.call('HSETNX', K.workflow_outputs(run), 'errand:' .. effect, told)
  keep_run(run, r.definition, T.workflow_kept_s)
end
wake_run(run)
return 1
