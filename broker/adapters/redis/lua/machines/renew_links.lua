-- A gateway still has these connections. One that was given up meanwhile must come again.
-- KEYS[1] workspace root
-- ARGV    links...  pairs of link, fence
-- Returns 1
for i = 1, #links, 2 do
  local link, fence = links[i], links[i + 1]
  local held, renewals = string.match(redis.call('HGET', K.leases(), link) or '', '^(%d+) (%d+)$')
  if held == fence then
    redis.call('HSET', K.leases(), link, string.format('%s %d', fence, renewals + 1))
  elseif redis.call('HGET', K.link(link), 'fence') == fence then
    redis.call('PUBLISH', K.link_channel(link), '!kick')
  end
end
return 1
