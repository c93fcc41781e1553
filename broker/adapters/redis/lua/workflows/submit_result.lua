-- Keeps what an agent hands in as the result of its step; the last one counts.
-- KEYS[1] workspace root
-- ARGV    run
--         effect  of the attempt
--         result  JSON
-- Returns 1
-- uses: workflows
if redis.call('EXISTS', K.workflow_run(run)) == 0 then return refuse('NotFound', 'RUN_NOT_FOUND', 'no such run') end
redis.call('HSET', K.workflow_outputs(run), 'submitted:' .. effect, result)
keep_run(run, redis.call('HGET', K.workflow_run(run), 'definition'), T.workflow_kept_s)
wake_run(run)
return 1
