-- uses: log
-- A link that is online has a lease: its gateway renews it, and a worker detaches a link whose lease stands still.
local AWAY_MS = 30000          -- a laptop that changes networks is back within seconds; after this its agents are lost
local UNUSED_MS = 7776000000   -- 90 days: a machine that nothing hangs on is forgotten this long after it was seen last

local function lease(link, fence) redis.call('HSET', K.leases(), link, fence .. ' 0') end

-- The connection with that fence is gone. Returns 1, or 0 when it is not the present one.
local function detach(link, fence)
  local l = fields(K.link(link), 'fence', 'session', 'name', 'online')
  if l.fence ~= fence or l.online ~= '1' then return 0 end
  redis.call('HSET', K.link(link), 'online', 0, 'since', NOW)
  redis.call('HDEL', K.leases(), link)
  wake_at(NOW + AWAY_MS, 'away|' .. link)
  wake_at(NOW + UNUSED_MS, 'unused|' .. link)
  if l.session and l.session ~= '' then
    append(l.session, 'proxy.disconnected', nil, nil, object('proxy', link, 'machine', l.name))
  end
  return 1
end
