-- A gateway still has these connections. One that was given up meanwhile must come again, and so must one whose commands
-- were lost in a fail-over.
-- KEYS[1] workspace root
-- ARGV    links...  pairs of link, fence
-- Returns 1
for i = 1, #links, 2 do
  local link, fence = links[i], links[i + 1]
  local held, renewals = string.match(redis.call('HGET', K.leases(), link) or '', '^(%d+) (%d+)$')
  local l = fields(K.link(link), 'fence', 'restored')
  if held == fence and not l.restored then
    redis.call('HSET', K.leases(), link, string.format('%s %d', fence, renewals + 1))
  elseif l.fence == fence then
    redis.call('PUBLISH', K.link_channel(link), '!kick')
  end
end
return 1
