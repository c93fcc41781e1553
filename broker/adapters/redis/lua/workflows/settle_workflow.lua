-- Lets go of a run that was looked at.
-- KEYS[1] workspace root
-- ARGV    run
--         fence   of the worker's claim
--         due_ms  when it is to be looked at again, '' for when something happens to it
--         held    why nothing is done for it meanwhile, '' when something is
-- Returns 1, or 0 when it is another worker's by now
-- uses: workflows
if redis.call('HGET', K.workflow_run(run), 'fence') ~= fence then return 0 end
settle_run(run, due_ms, held, '')
return 1
