-- A report's place. Each number is acted on once and none is passed over: when one in a pipeline could not run, the
-- later ones must not either. An older connection is not heard.
-- ARGV    link
--         fence
--         spool
--         number
number = tonumber(number)
local l = fields(K.link(link), 'fence', 'spool', 'reports', 'session', 'heard')
if l.fence ~= fence then return refuse('Fenced', 'FENCED', 'a newer connection has taken over') end
local seen = l.spool == spool and tonumber(l.reports or '0') or 0
if number <= seen then return 0 end
if number > seen + 1 then
  return refuse('Conflict', 'REPORT_GAP', 'report ' .. number .. ' came after ' .. seen)
end
redis.call('HSET', K.link(link), 'spool', spool, 'reports', number, 'heard', hear(link, l.heard))
