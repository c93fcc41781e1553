-- The proxy had to drop frames while it could not reach the broker; said in the log, never hidden.
-- KEYS[1] workspace root
-- ARGV    1 link  2 fence  3 spool  4 number  5 dropped frames
-- uses: numbered log
append(l.session, 'log.overflow', nil, nil, '{"proxy":"' .. link .. '","dropped_frames":' .. ARGV[5] .. '}')
return 1
