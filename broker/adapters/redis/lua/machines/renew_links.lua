-- A gateway still has these connections. One that was given up meanwhile must come again, and so must one whose commands
-- or reports were lost in a fail-over.
-- KEYS[1] workspace root
-- ARGV    links...  triples of link, fence, last report that was acknowledged
-- Returns 1
for i = 1, #links, 3 do
  local link, fence, reports = links[i], links[i + 1], tonumber(links[i + 2])
  local held, renewals = string.match(redis.call('HGET', K.leases(), link) or '', '^(%d+) (%d+)$')
  local l = fields(K.link(link), 'fence', 'restored', 'reports')
  if held == fence and not l.restored and tonumber(l.reports or '0') >= reports then
    redis.call('HSET', K.leases(), link, string.format('%s %d', fence, renewals + 1))
  elseif l.fence == fence then
    redis.call('PUBLISH', K.link_channel(link), '!kick')
  end
end
return 1
