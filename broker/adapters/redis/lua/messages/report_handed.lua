-- A message's bytes were written to the process.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 message
-- uses: report
local message = ARGV[7]
receipt(message, a.id, 'received') -- the proxy's cumulative ack may be on its way still
receipt(message, a.id, 'handed')
return 1
