-- A message's bytes were written to the process.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 message
-- uses: report
receipt(ARGV[7], a.id, 'received') -- the proxy's cumulative ack may be on its way still
receipt(ARGV[7], a.id, 'handed')
return 1
