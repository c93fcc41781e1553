-- Which report may come next. ARGV[1..4]: link, fence, spool, number. Each number is acted on once, in order: in a batch,
-- those behind one that could not run (a server that has lost its scripts) must wait for it.
local function not_next()
  local l = fields(K.link(ARGV[1]), 'fence', 'spool', 'reports')
  if l.fence ~= ARGV[2] then return refuse('Fenced', 'FENCED', 'a newer connection has taken over') end
  local seen, number = l.spool == ARGV[3] and tonumber(l.reports or '0') or 0, tonumber(ARGV[4])
  if number <= seen then return 0 end
  if number > seen + 1 then
    return refuse('Conflict', 'REPORTS_OUT_OF_ORDER', 'report ' .. number .. ' came after ' .. seen)
  end
  redis.call('HSET', K.link(ARGV[1]), 'spool', ARGV[3], 'reports', number)
  return nil
end
