-- uses: outbox
-- Hooks that agents wait for. Each machine has all of its workspace's, and asks them by itself.

-- The command that tells a machine which hold; none do while hooks are paused.
local function guards_text()
  local h = fields(K.hooks(), 'guards', 'paused')
  local version = tonumber(redis.call('GET', K.hooks_version()) or '0')
  return command_text('guards', 'version', version, 'hooks', raw(not h.paused and h.guards or '[]'))
end

local function has_guards() return (redis.call('HGET', K.hooks(), 'guards') or '[]') ~= '[]' end

-- Tells all machines, those that are away too, that other hooks hold. One that knows no such command is passed over.
local function tell_guards()
  local text = guards_text()
  for _, link in ipairs(redis.call('HVALS', K.proxies())) do
    if redis.call('HGET', K.link(link), 'guards') then post(link, text) end
  end
end
