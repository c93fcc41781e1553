-- Gives a lease to links that count as online and have none, as earlier versions left them.
-- KEYS[1] workspace root
-- Returns how many there were
-- uses: links
local given = 0
local function adopt(link)
  local l = fields(K.link(link), 'online', 'fence')
  if l.online == '1' then given = given + redis.call('HSETNX', K.leases(), link, l.fence .. ' 0') end
end
for _, link in ipairs(redis.call('HVALS', K.proxies())) do adopt(link) end
for _, agent in ipairs(redis.call('SMEMBERS', K.live())) do adopt(redis.call('HGET', K.agent(agent), 'link') or '') end
return given
