-- What happens when a deadline passes and nobody acted before.
-- KEYS[1] workspace root
-- ARGV    timer  its name, "kind|reference|…"
-- Returns the kind
-- uses: lives links stops hooks commands room
local part = {}
for text in string.gmatch(timer, '[^|]+') do part[#part + 1] = text end
forget_timer(timer)

local FEW_AGENTS = 20 -- each may have a thousand messages that are to be reported
local on = {}

-- An agent did not become ready.
function on.spawn()
  local a = load_agent(part[2])
  if not a.id or has_ended(a) or a.ready == a.generation or a.generation ~= part[3] then return end
  if is_online(a.proxy) then
    stop(a, 'SPAWN_TIMEOUT')
    end_agent(a, 'failed', 'SPAWN_TIMEOUT', 'not ready in time, and its machine did not say why')
  else
    wake_at(NOW + T.start_deadline_ms, timer) -- the order waits in the mailbox of a machine that is away
  end
end

-- A stop was ordered but the proxy never confirmed it.
function on.stop()
  local a = load_agent(part[2])
  if a.state == 'releasing' then end_agent(a, 'released', 'released; the machine did not confirm the end of the process') end
end

-- Whether nothing can be said of an agent yet, because its link may not carry: its gateway may have died, and what the
-- agent did waits to be reported. So the link is asked for a sign first, and made to connect anew when it gives none.
-- Reports come in order: what was done before the sign was given has been reported by then.
local function is_out_of_hearing(a)
  local l = fields(K.link(a.link), 'online', 'since', 'heard')
  -- A link that has just come back has more to report first.
  local reports_due = tonumber(l.since or '0') + T.proof_ms
  if l.online ~= '1' or NOW < reports_due then
    wake_at(math.max(NOW + T.probe_ms, reports_due), timer)
    return true
  end
  local of, at = string.match(redis.call('HGET', K.agent(a.id), 'probed') or '', '^(.*) (%d+)$')
  local asked = of == timer and tonumber(at) >= tonumber(l.since) and tonumber(at) <= NOW
  if asked and tonumber(l.heard) > tonumber(at) then return false end
  if asked and NOW < tonumber(at) + T.probe_ms then
    wake_at(tonumber(at) + T.probe_ms, timer) -- told twice of one deadline: the link has its time still
    return true
  end
  if asked then
    if a.state ~= 'deaf' then append(a.session, 'agent.deaf', a.id, a.name, object('stuck_at', 'link')) end
    set_state(a, 'deaf')
    redis.call('PUBLISH', K.link_channel(a.link), '!kick')
  else
    redis.call('HSET', K.agent(a.id), 'probed', timer .. ' ' .. NOW)
    command(a.link, 'probe', 'agent', a.id, 'generation', tonumber(a.generation))
  end
  wake_at(NOW + T.probe_ms, timer)
  return true
end

-- A message was handed over, and neither the proxy nor the agent reacted.
function on.proof()
  local a = load_agent(part[2])
  local state = redis.call('HGET', K.message(part[4]), 'r:' .. part[2])
  if not a.id or has_ended(a) or a.generation ~= part[3] or not state or STEP[state] >= STEP.in_turn then return end
  if is_out_of_hearing(a) then return end
  append(a.session, 'agent.deaf', a.id, a.name, object('message', part[4], 'stuck_at', state))
  note(part[4], part[2], 'b:' .. part[2], 'agent_deaf')
  set_state(a, 'deaf', 'message', part[4])
  restart(a, 'deaf')
end

-- An agent that was overloaded may take messages again.
function on.retry()
  local a = load_agent(part[2])
  if a.id then dispatch(a) end
end

-- The pause ahead of a restart is over.
function on.restart()
  local a = load_agent(part[2])
  if a.id and a.generation == part[3] and a.state ~= 'releasing' and not has_ended(a) then order_process(a) end
end

-- A turn was told to stop and goes on.
function on.interrupt()
  local a = load_agent(part[2])
  if not a.id or a.generation ~= part[3] or a.turn ~= part[4] or (a.state ~= 'working' and a.state ~= 'lost') then return end
  if is_out_of_hearing(a) then return end
  append(a.session, 'agent.deaf', a.id, a.name, object('turn', part[4], 'stuck_at', 'interrupt'))
  restart(a, 'deaf')
end

-- A stop, or its lifting, has more to do.
function on.stopping() carry_on(timer, part[2], part[3], halt) end
function on.lifting() carry_on(timer, part[2], part[3], let_go_on) end

-- A proxy stayed away.
function on.away()
  if is_online(part[2]) then return end
  for _, agent in ipairs(redis.call('SMEMBERS', K.link_agents(part[2]))) do
    local a = load_agent(agent)
    if a.state == 'releasing' then
      end_agent(a, 'released', 'released; the machine is away')
    elseif not has_ended(a) and not is_online(a.link) then
      set_state(a, 'lost')
      for _, message in ipairs(redis.call('LRANGE', K.inflight(agent), 0, -1)) do note(message, agent, 'b:' .. agent, 'proxy_away') end
    end
  end
end

-- What was given to a machine, and not to the process: the machine does not hand it over any more (`not_after_ms`). A
-- message that was handed over before is not given up so: it is gone on with after a restart, however late.
local function is_unhanded(message, agent)
  local m = fields(K.message(message), 'r:' .. agent, 'k:' .. agent)
  local state = m['r:' .. agent]
  return (state == 'sent' or state == 'received') and m['k:' .. agent] == '1'
end

-- A message waited for as long as its sender allowed: in the queue, or in the mailbox of a machine that is away.
function on.ttl()
  local message, is_late = part[2], false
  for _, agent in ipairs(redis.call('SMEMBERS', K.recipients(message))) do
    if redis.call('ZREM', K.queue(agent), message) == 1 then
      undeliverable(message, agent, 'expired')
    elseif redis.call('HGET', K.message(message), 'r:' .. agent) == 'sent' and not is_online(load_agent(agent).link) then
      drop_inflight(load_agent(agent), message, 'expired')
    else
      is_late = is_late or is_unhanded(message, agent)
    end
  end
  if is_late then wake_at(NOW + T.late_ms, 'late|' .. message) end
end

-- It is with a machine that is here, and says neither that it has handed it over nor that it has not.
function on.late()
  local message = part[2]
  for _, agent in ipairs(redis.call('SMEMBERS', K.recipients(message))) do
    if is_unhanded(message, agent) then drop_inflight(load_agent(agent), message, 'expired') end
  end
end

-- An agent has ended so long ago that it cannot be looked up any more.
function on.forget()
  local a = load_agent(part[2])
  if not a.id or has_ended(a) then forget_agent(part[2], part[3]) end
end

-- The owner of a machine was removed: its agents end, a few at a time.
function on.orphaned()
  local link, left = part[2], FEW_AGENTS
  if not redis.call('HGET', K.link(link), 'orphaned') then return end
  for _, agent in ipairs(redis.call('SMEMBERS', K.link_agents(link))) do
    if left == 0 then return wake_at(NOW, timer) end
    local a = load_agent(agent)
    if a.id then end_agent(a, 'released', 'owner_removed', 'the owner of its machine was removed', 'owner_removed') end
    redis.call('SREM', K.link_agents(link), agent)
    left = left - 1
  end
end

-- A run of a hook was not begun in time, or nobody has said how it ended.
function on.hook()
  local r = fields(K.hook_run(part[2]), 'state', 'hook')
  if not r.state then return end
  local state, reason = 'expired', 'the machine did not take it in time'
  if r.state == 'started' then state, reason = 'interrupted', 'the machine has not said how it ended' end
  advance_run(part[2], state, object('run', part[2], 'hook', r.hook, 'state', state, 'reason', reason))
end

-- A command of a run was not begun in time, or nobody has said how it ended.
function on.command() look_at_command(part[2]) end

-- Nothing has set a hook off for long enough: whoever looks at this workspace's sessions lets go what was held back.
function on.hold()
  if not redis.call('HGET', K.hook_hold(part[2], part[3]), 'waiting') then return end
  redis.call('ZADD', K.hooks_quiet(), NOW, part[2] .. '|' .. part[3])
  redis.call('PUBLISH', HOOK_CHANNEL, ROOT)
end

-- A budget is spent, has begun anew, or more of what waited for it is to be handed over.
function on.budget() look_at_budget(part[2]) end

-- A machine was not seen for long. It stays as long as an agent of it may come back.
function on.unused()
  local link = part[2]
  local l = fields(K.link(link), 'online', 'machine')
  if l.online == '1' then return end
  if redis.call('SCARD', K.link_agents(link)) > 0 then
    wake_at(NOW + T.unused_machine_ms, timer)
  else
    forget_machine(link, l.machine or '')
  end
end

if on[part[1]] then on[part[1]]() end
return part[1]
