-- uses: agents
-- Hands over what waited for room in a budget, some agents at a time; a timer goes on with the others.
local AT_ONCE = 50

local function go_on_within(key)
  local left = AT_ONCE
  for _, agent in ipairs(redis.call('SMEMBERS', K.live())) do
    if redis.call('ZCARD', K.queue(agent)) > 0 then
      if left == 0 then return wake_at(NOW, 'budget|' .. key) end
      local a = load_agent(agent)
      if not obstacle(a) then
        left = left - 1
        dispatch(a)
      end
    end
  end
end
