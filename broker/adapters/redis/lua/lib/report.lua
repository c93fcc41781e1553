-- uses: agents
-- Reports from a proxy. ARGV[1..4]: link, fence, spool, number; ARGV[5..6]: agent, generation.
-- Each number is acted on once; an older connection or an older process is not heard.
local link, fence, spool, number = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local l = fields(K.link(link), 'fence', 'spool', 'reports')
if l.fence ~= fence then return refuse('Fenced', 'FENCED', 'a newer connection has taken over') end
if l.spool == spool and number <= tonumber(l.reports or '0') then return 0 end
redis.call('HSET', K.link(link), 'spool', spool, 'reports', number)
local a = load_agent(ARGV[5])
if not a.id or a.generation ~= ARGV[6] or has_ended(a) or (a.proxy ~= link and a.link ~= link) then return 0 end
