-- Ends a run that no machine carries out: what came of it in the broker.
-- KEYS[1] workspace root
-- ARGV    1 run  2 state  3 data JSON for the log
-- Returns 1, or 0 when it had ended
-- uses: hooks
return advance_run(ARGV[1], ARGV[2], ARGV[3])
