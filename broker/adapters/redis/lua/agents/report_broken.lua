-- The conversation cannot go on although the process is there: it is stopped and given up.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 code  8 detail
-- uses: report lives
local code, detail = ARGV[7], ARGV[8]
stop(a, code)
end_agent(a, 'failed', code, detail)
return 1
