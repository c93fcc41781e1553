-- Writes a fact that a person, an agent or a program tells of a run, and lets it be looked at.
-- KEYS[1] workspace root
-- ARGV    run
--         entry    JSON
--         events   JSON list of {kind, agent or '', name or '', data}, for the session's log
--         outputs  JSON object of texts
--         act      what somebody did, in words, '' when it is no act
--         by       JSON of the caller whose rights the run has from now on, '' when they stay
-- Returns 1
-- uses: workflows audit
local r = fields(K.workflow_run(run), 'session', 'definition')
if not r.session then return refuse('NotFound', 'RUN_NOT_FOUND', 'no such run') end
write_outputs(run, cjson.decode(outputs))
write_entries(run, {entry})
append_groups(r.session, groups_of(cjson.decode(events)))
if by ~= '' then redis.call('HSET', K.workflow_run(run), 'by', by) end
if act ~= '' then record_act('workflow.steered', 'run ' .. run, nil, act) end
keep_run(run, r.definition, T.workflow_kept_s)
wake_run(run)
return 1
