-- uses: agents plans
-- Of which trace a message is (W3C traceparent texts): of `cause`, which its caller named, else of the turn that its
-- sender is in, else of its own. Returns its place there and what it follows from; nothing where nothing is traced.
local function trace_of(trace, cause, sender)
  if trace == '' then return nil end
  if cause == '' and sender ~= '' then
    local running = fields(K.agent(sender), 'turn', 'turn_trace')
    if running.turn and running.turn ~= '' then cause = running.turn_trace or '' end
  end
  if cause == '' then return trace, nil end
  return string.sub(cause, 1, 36) .. string.sub(trace, 37, 53) .. string.sub(cause, 54), cause
end

-- What the log has of a message that was accepted.
local function acceptance(m, recipients)
  local traced = is_traced(m.trace)
  return extended(m.body, traced and 'trace', m.trace, traced and 'cause', m.cause, 'recipients', list_of(recipients))
end

local function is_full(agent) return redis.call('ZCARD', K.queue(agent)) >= T.queue_messages end

-- Hands a numbered message over if the agent can take it now, else leaves it waiting.
-- Returns the recipient's row for the answer: {agent id, name, state, because}.
local function admit(message, a, number, mode, has_room)
  if a.state == 'working' and mode == 'steer' and a.can_steer == '1' and a.turn ~= '' and is_online(a.link)
    and not is_behind(a.link) and not stop_over(a.session, a.proxy) and not budget_lack(a, true) then
    receipt(message, a.id, 'queued')
    if deliver(a, message, true) then return {a.id, a.name, 'sent', ''} end
    return {a.id, a.name, 'undeliverable', 'dead_letter'}
  end
  if not has_room and is_full(a.id) then
    undeliverable(message, a.id, 'inbox_full')
    return {a.id, a.name, 'undeliverable', ''}
  end
  local because = obstacle(a)
  redis.call('ZADD', K.queue(a.id), mode == 'interrupt' and number - 1e12 or number, message)
  receipt(message, a.id, 'queued', because and 'because', because)
  if because then redis.call('HSET', K.message(message), 'b:' .. a.id, because) end
  if mode == 'interrupt' and a.state == 'working' then interrupt(a) end
  dispatch(a)
  return {a.id, a.name, redis.call('HGET', K.message(message), 'r:' .. a.id), because or ''}
end

-- The answer to a repeated send: what is known by now.
local function deliveries(message)
  local rows = {}
  for _, agent in ipairs(redis.call('SMEMBERS', K.recipients(message))) do
    local f = fields(K.message(message), 'n:' .. agent, 'r:' .. agent, 'b:' .. agent)
    rows[#rows + 1] = {agent, f['n:' .. agent], f['r:' .. agent], f['b:' .. agent] or ''}
  end
  return rows
end
