-- The conversation cannot go on although the process is there: it is stopped and given up.
-- KEYS[1] workspace root
-- ARGV    code
--         detail
-- Returns 1, or 0 when it is not heard
-- uses: report lives
stop(a, code)
end_agent(a, 'failed', code, detail)
return 1
