-- uses: log
-- A link that is online has a lease: its gateway renews it, and a worker detaches a link whose lease stands still.

local function lease(link, fence) redis.call('HSET', K.leases(), link, fence .. ' 0') end

-- The connection with that fence is gone. Returns 1, or 0 when it is not the present one.
local function detach(link, fence)
  local l = fields(K.link(link), 'fence', 'session', 'name', 'online')
  if l.fence ~= fence or l.online ~= '1' then return 0 end
  redis.call('HSET', K.link(link), 'online', 0, 'since', NOW)
  redis.call('HDEL', K.leases(), link)
  wake_at(NOW + T.away_ms, 'away|' .. link)
  wake_at(NOW + T.unused_machine_ms, 'unused|' .. link)
  if l.session and l.session ~= '' then
    append(l.session, 'proxy.disconnected', nil, nil, object('proxy', link, 'machine', l.name))
  end
  return 1
end
