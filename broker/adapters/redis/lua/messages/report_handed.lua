-- A message's bytes were written to the process.
-- KEYS[1] workspace root
-- ARGV    message
-- Returns 1, or 0 when it is not heard
-- uses: report
receipt(message, a.id, 'received') -- the proxy's cumulative ack may be on its way still
receipt(message, a.id, 'handed')
return 1
