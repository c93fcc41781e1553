-- A connection is gone. Its agents count as lost only after a grace period: most come back within a second.
-- KEYS[1] workspace root
-- ARGV    1 link  2 fence of the connection  3 grace, ms
-- Returns 1, or 0 when a newer connection has taken over
-- uses: log
local l = fields(K.link(ARGV[1]), 'fence', 'session', 'name', 'online')
if l.fence ~= ARGV[2] or l.online ~= '1' then return 0 end
redis.call('HSET', K.link(ARGV[1]), 'online', 0, 'since', NOW)
wake_at(NOW + tonumber(ARGV[3]), 'away|' .. ARGV[1])
if l.session and l.session ~= '' then
  append(l.session, 'proxy.disconnected', nil, nil, '{"proxy":"' .. ARGV[1] .. '","machine":' .. json(l.name) .. '}')
end
return 1
