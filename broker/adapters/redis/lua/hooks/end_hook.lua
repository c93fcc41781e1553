-- Ends a run that no machine carries out: what came of it in the broker.
-- KEYS[1] workspace root
-- ARGV    run
--         state
--         data   JSON for the log
-- Returns 1, or 0 when it had ended
-- uses: hooks
return advance_run(run, state, data)
