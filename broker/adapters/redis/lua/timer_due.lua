-- What happens when a deadline passes and nobody acted before.
-- KEYS[1] workspace root
-- ARGV    1 the timer's name, "kind|reference|…"
-- Returns the kind
-- uses: approvals
local part = {}
for text in string.gmatch(ARGV[1], '[^|]+') do part[#part + 1] = text end
forget_timer(ARGV[1])

local on = {}

-- An agent did not become ready.
function on.spawn()
  local a = load_agent(part[2])
  if not a.id or has_ended(a) or a.ready == a.generation or a.generation ~= part[3] then return end
  if is_online(a.proxy) then
    stop(a, 'SPAWN_TIMEOUT')
    end_agent(a, 'failed', 'SPAWN_TIMEOUT', 'not ready within ' .. SPAWN_MS / 1000 .. ' s')
  else
    wake_at(NOW + SPAWN_MS, ARGV[1]) -- the order waits in the mailbox of a machine that is away
  end
end

-- A stop was ordered but the proxy never confirmed it.
function on.stop()
  local a = load_agent(part[2])
  if a.state == 'releasing' then end_agent(a, 'released', 'released; the machine did not confirm the end of the process') end
end

-- A message was handed over, and neither the proxy nor the agent reacted.
function on.proof()
  local a = load_agent(part[2])
  local state = redis.call('HGET', K.message(part[4]), 'r:' .. part[2])
  if not a.id or has_ended(a) or a.generation ~= part[3] or not state or STEP[state] >= STEP.in_turn then return end
  if not is_online(a.link) then
    wake_at(NOW + PROOF_MS, ARGV[1])
    return
  end
  append(a.session, 'agent.deaf', a.id, a.name, '{"message":"' .. part[4] .. '","stuck_at":"' .. state .. '"}')
  redis.call('HSET', K.message(part[4]), 'b:' .. part[2], 'agent_deaf')
  set_state(a, 'deaf', ',"message":"' .. part[4] .. '"')
  if state == 'sent' then
    redis.call('PUBLISH', K.link_channel(a.link), '!kick')
    wake_at(NOW + PROOF_MS, ARGV[1])
  else
    restart(a, 'deaf')
  end
end

-- An agent that was overloaded may take messages again.
function on.retry()
  local a = load_agent(part[2])
  if a.id then dispatch(a) end
end

-- A turn was told to stop and goes on.
function on.interrupt()
  local a = load_agent(part[2])
  if not a.id or a.generation ~= part[3] or a.turn ~= part[4] or a.state ~= 'working' then return end
  append(a.session, 'agent.deaf', a.id, a.name, '{"turn":' .. json(part[4]) .. ',"stuck_at":"interrupt"}')
  restart(a, 'deaf')
end

-- A proxy stayed away.
function on.away()
  if is_online(part[2]) then return end
  for _, agent in ipairs(redis.call('SMEMBERS', K.link_agents(part[2]))) do
    local a = load_agent(agent)
    if a.state == 'releasing' then
      end_agent(a, 'released', 'released; the machine is away')
    elseif not has_ended(a) and not is_online(a.link) then
      set_state(a, 'lost')
    end
  end
end

-- A message waited for as long as its sender allowed.
function on.ttl()
  for _, agent in ipairs(redis.call('SMEMBERS', K.recipients(part[2]))) do
    if redis.call('ZREM', K.queue(agent), part[2]) == 1 then undeliverable(part[2], agent, 'expired') end
  end
end

if on[part[1]] then on[part[1]]() end
return part[1]
