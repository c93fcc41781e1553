-- uses: agents
-- Whom an agent may act on: the agents that it spawned, that these spawned, and so on. People and programs may act on
-- all of them. The one place where that is decided, for everything that an agent can do to another.
local GENERATIONS = 100 -- that are looked up, one read each

local function descends_from(agent, actor)
  for _ = 1, GENERATIONS do
    local spawner = redis.call('HGET', K.agent(agent), 'spawner')
    if not spawner or spawner == '' then return false end
    if spawner == actor then return true end
    agent = spawner
  end
  return false
end

-- Why an agent (`actor`, '' for people and programs) may not do `what` with another one; nil when it may.
local function not_its_own(actor, agent, what, instead)
  if actor == '' or descends_from(agent, actor) then return nil end
  local a = fields(K.agent(agent), 'name', 'spawner_name')
  return refuse('NotPermitted', 'NOT_PERMITTED', 'you did not spawn ' .. (a.name or agent) .. ': an agent may ' .. what
    .. ' only agents that it spawned, or that these spawned; ' .. (instead or 'ask ' .. (a.spawner_name or 'a person')
    .. ', who spawned it, or a person to do it'))
end
