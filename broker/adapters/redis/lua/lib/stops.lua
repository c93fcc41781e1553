-- uses: lives
-- Stop all: a flag over a session, a machine or the workspace, which `obstacle` asks. What that means for each agent is
-- carried out a page at a time, by whoever runs the timer; what is left lies in a list, so that nobody's death loses it.
local PAGE = 50               -- steps of one script; about a millisecond
local QUEUED_IN_A_STEP = 20   -- messages of an agent that is ended, each of which is reported

-- What `scope` names, 'workspace', 'machine:<id>' or 'session:<id>': its kind and its id.
local function parts_of(scope)
  local kind, id = string.match(scope, '^(%a+):(.+)$')
  return kind or scope, id or ''
end

-- The agents in it, and the sessions that they are in.
local function live_in(scope)
  local kind, id = parts_of(scope)
  local agents = redis.call('SMEMBERS',
    kind == 'workspace' and K.live() or kind == 'machine' and K.link_agents(id) or K.session_live(id))
  if kind == 'session' then return agents, {id} end
  local known, sessions = {}, {}
  for _, agent in ipairs(agents) do
    local session = redis.call('HGET', K.agent(agent), 'session')
    if session and not known[session] then
      known[session] = true
      sessions[#sessions + 1] = session
    end
  end
  return agents, sessions
end

local function push(list, prefix, ids)
  for first = 1, #ids, 1000 do
    local page = {}
    for i = first, math.min(first + 999, #ids) do page[#page + 1] = prefix .. ids[i] end
    redis.call('RPUSH', list, unpack(page))
  end
end

-- The sessions of the workspace without those.
local function other_sessions(those)
  local known, others = {}, {}
  for _, session in ipairs(those) do known[session] = true end
  for _, session in ipairs(redis.call('HVALS', K.session_names())) do
    if not known[session] then others[#others + 1] = session end
  end
  return others
end

-- Writes down what is to be done: word to each session with agents, each agent, the count to those sessions, and word
-- to the other sessions of a workspace.
local function plan_work(work, scope, order)
  local list = K.stopping(work)
  local agents, sessions = live_in(scope)
  push(list, 's:', sessions)
  push(list, 'a:', agents)
  if order.how then push(list, 'f:', sessions) end
  if scope == 'workspace' then push(list, 's:', other_sessions(sessions)) end
  redis.call('RPUSH', list, cjson.encode(order))
  redis.call('EXPIRE', list, T.stop_work_kept_s)
end

-- What is told of a stop in a session's log. `counted`: how many agents it met is known.
local function tell(session, kind, order, counted)
  append(session, kind, nil, nil, cjson.encode({stop = order.id, scope = order.scope, of = order.of, name = order.name,
    how = order.how, by = order.by, member = order.member, note = order.note, agents = counted and order.agents or nil,
    interrupted = counted and order.interrupted or nil}))
end

-- One step of a stop; how many steps it counts for.
local function halt(item, order)
  local what, id = string.sub(item, 1, 1), string.sub(item, 3)
  if what == 's' then tell(id, 'stop.ordered', order) return 1 end
  if what == 'f' then tell(id, 'stop.finished', order, true) return 1 end
  local a = load_agent(id)
  if not a.id or has_ended(a) or a.state == 'releasing' then return 1 end
  order.agents = order.agents + 1
  if order.how == 'release' then
    local steps = 1 + redis.call('ZCARD', K.queue(id)) / QUEUED_IN_A_STEP
    release(a, order.by)
    return steps
  end
  if (a.turn or '') == '' and redis.call('LLEN', K.inflight(id)) == 0 then return 1 end
  order.interrupted = order.interrupted + 1
  -- The turn that asks is over. An answer that was given is on its way ahead of the interrupt: it stays.
  for _, approval in ipairs(redis.call('HVALS', K.asks(id))) do withdraw_approval(a, approval) end
  redis.call('DEL', K.asks(id))
  redis.call('HSET', K.agent(id), 'waiting', 0)
  interrupt(a)
  append(a.session, 'agent.interrupted', id, a.name, object('by', order.by, 'stop', order.id))
  return 1
end

-- One step of a lifting.
local function let_go_on(item, order)
  local what, id = string.sub(item, 1, 1), string.sub(item, 3)
  if what == 's' then tell(id, 'stop.lifted', order) end
  if what == 'a' then
    local a = load_agent(id)
    if a.id then dispatch(a) end
  end
  return 1
end

-- Does the next page of what is to be done. `timer` is due again at once where more is left.
local function carry_on(timer, work, scope, step)
  local list = K.stopping(work)
  forget_timer(timer)
  local order = redis.call('LINDEX', list, -1)
  if not order then return end
  order = cjson.decode(order)
  local is_stop = step == halt
  local now_there = redis.call('HGET', K.stops(), scope)
  -- It was lifted, or another took its place: that one does what is to be done now.
  if is_stop and not (now_there and cjson.decode(now_there).id == work) then return redis.call('DEL', list) end
  local left = PAGE
  while left > 0 and redis.call('LLEN', list) > 1 do
    left = left - step(redis.call('LPOP', list), order)
  end
  if redis.call('LLEN', list) > 1 then
    redis.call('LSET', list, -1, cjson.encode(order))
    wake_at(NOW, timer)
  else
    order.finished = true
    redis.call('DEL', list)
  end
  if is_stop then redis.call('HSET', K.stops(), scope, cjson.encode(order)) end
end

-- Takes back what was handed to a peer that has not seen it, from agents that are stopped. Only when it attaches: it has
-- said what it has seen. Its place in the mailbox is filled with a sign of life that is asked for: numbers have no holes.
local BLANK = command_text('probe', 'agent', '', 'generation', 0)
local function take_back(link, mine)
  if redis.call('EXISTS', K.stops()) == 0 then return end
  local entries, found = redis.call('XRANGE', K.outbox(link), '-', '+'), false
  for _, entry in ipairs(entries) do
    local agent, generation, message =
      string.match(entry[2][2], '^{"type":"deliver","agent":"([^"]+)","generation":(%d+),"message_id":"([^"]+)"')
    local a = agent and mine[agent] and load_agent(agent)
    if a and a.id and a.generation == generation and stop_over(a.session, a.proxy)
      and redis.call('LREM', K.inflight(agent), 0, message) > 0 then
      forget_timer('proof|' .. agent .. '|' .. generation .. '|' .. message)
      if rewind(message, agent) then
        redis.call('HINCRBY', K.message(message), 'k:' .. agent, -1)
        redis.call('ZADD', K.queue(agent), redis.call('HGET', K.message(message), 'i:' .. agent) - 1e12, message)
      else
        report_gone(a, message)
      end
      if redis.call('LLEN', K.inflight(agent)) == 0 and (a.turn or '') == '' and a.state == 'working' then set_state(a, 'idle') end
      redis.call('HINCRBY', K.link(link), 'out_bytes', #BLANK - #entry[2][2])
      entry[2][2], found = BLANK, true
    end
  end
  if not found then return end
  redis.call('DEL', K.outbox(link))
  for _, entry in ipairs(entries) do redis.call('XADD', K.outbox(link), entry[1], 'c', entry[2][2]) end
end
