-- The proxy had to drop frames while it could not reach the broker; said in the log, never hidden.
-- KEYS[1] workspace root
-- ARGV    1 link  2 fence  3 spool  4 number  5 dropped frames
-- uses: log
local l = fields(K.link(ARGV[1]), 'fence', 'spool', 'reports', 'session')
if l.fence ~= ARGV[2] then return refuse('Fenced', 'FENCED', 'a newer connection has taken over') end
if l.spool == ARGV[3] and tonumber(ARGV[4]) <= tonumber(l.reports or '0') then return 0 end
redis.call('HSET', K.link(ARGV[1]), 'spool', ARGV[3], 'reports', ARGV[4])
append(l.session, 'log.overflow', nil, nil, '{"proxy":"' .. ARGV[1] .. '","dropped_frames":' .. ARGV[5] .. '}')
return 1
