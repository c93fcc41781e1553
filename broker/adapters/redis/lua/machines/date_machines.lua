-- Gives an end to machines that an earlier version kept for ever: those that are away are forgotten when they stay away.
-- KEYS[1] workspace root
-- Returns how many machines there are
-- uses: links
local machines = redis.call('HGETALL', K.proxies())
for i = 1, #machines, 2 do
  local machine, proxy = machines[i], machines[i + 1]
  redis.call('HSET', K.link(proxy), 'machine', machine)
  if redis.call('HGET', K.link(proxy), 'online') ~= '1' then wake_at(NOW + T.unused_machine_ms, 'unused|' .. proxy) end
end
return #machines / 2
