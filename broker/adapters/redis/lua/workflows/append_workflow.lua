-- Writes what a worker has found out and decided about a run, before it is carried out.
-- KEYS[1] workspace root
-- ARGV    run
--         fence    of the worker's claim
--         after    how many entries it has seen
--         entries  JSON list of texts
--         events   JSON list of {kind, agent or '', name or '', data}, for the session's log
--         outputs  JSON object of texts
--         state    the run's, '' when it stays
--         reason
-- Returns 1, or 0 when others have written more meanwhile; -1 when the run is another worker's by now
-- uses: workflows
local r = fields(K.workflow_run(run), 'fence', 'entries', 'session', 'definition')
if r.fence ~= fence then return -1 end
if r.entries ~= after then return 0 end
write_outputs(run, cjson.decode(outputs))
write_entries(run, cjson.decode(entries))
tell_events(r.session, cjson.decode(events))
if state ~= '' then set_run_state(run, r.session, r.definition, state, reason) end
return 1
