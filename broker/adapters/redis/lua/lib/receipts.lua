-- uses: log failures
-- How far a message got with one recipient. Steps only go forward; a step already made is not made again.
local STEP = {queued = 1, sent = 2, received = 3, handed = 4, in_turn = 5, answered = 6, undeliverable = 6}

-- Whether what happens to a message is told with its place in a trace (a W3C traceparent), which ends with its flags.
local function is_traced(trace) return trace and string.sub(trace, -2) == '01' end

-- `...`: further names and values of the event. Returns whether the step was new.
local function receipt(message, agent, state, ...)
  local key = K.message(message)
  local now = fields(key, 'session', 'at', 'r:' .. agent, 'n:' .. agent, 'k:' .. agent, 'trace')
  if not now.session or not now['n:' .. agent] then return false end -- expired, or not a message to this agent
  local was = now['r:' .. agent]
  if was and STEP[was] >= STEP[state] then return false end
  local traced = is_traced(now.trace)
  local before = traced and was and redis.call('HGET', key, 't:' .. agent .. ':' .. was) or now.at or NOW
  redis.call('HSET', key, 'r:' .. agent, state, 't:' .. agent .. ':' .. state, NOW)
  -- How long after its acceptance, and of one that is sent anew, how often it was: what is measured follows from these.
  local attempt = state == 'sent' and tonumber(now['k:' .. agent] or '1')
  append(now.session, 'message.receipt', agent, now['n:' .. agent],
    object('message', message, 'state', state, now.at and 'after_ms', NOW - (now.at or NOW),
      attempt and attempt > 1 and 'attempt', attempt,
      traced and 'trace', now.trace, traced and 'step_ms', NOW - before, ...))
  return true
end

-- A fact about a message's way to one recipient; nothing when the message is not known, or is not for them.
local function note(message, agent, ...)
  if redis.call('HEXISTS', K.message(message), 'n:' .. agent) == 1 then redis.call('HSET', K.message(message), ...) end
end

-- After a restart a message starts again from the queue; its earlier steps stay in the log. False when it is gone.
local function rewind(message, agent)
  if redis.call('HEXISTS', K.message(message), 'n:' .. agent) == 0 then return false end
  redis.call('HSET', K.message(message), 'r:' .. agent, 'queued')
  return true
end

-- A message lives from now on as long as a new one.
local function keep_message(message)
  redis.call('EXPIRE', K.message(message), T.message_kept_s)
  redis.call('EXPIRE', K.recipients(message), T.message_kept_s)
end

-- The cumulative ack moves over every settled number of an agent's mailbox that is next to it.
local function settle_number(agent, number)
  local box, settled = K.agent(agent), K.settled(agent)
  if redis.call('EXISTS', box) == 0 then return end
  local acked = tonumber(redis.call('HGET', box, 'acked') or '0')
  if number <= acked then return end
  redis.call('ZADD', settled, number, number)
  while redis.call('ZREM', settled, acked + 1) == 1 do acked = acked + 1 end
  redis.call('HSET', box, 'acked', acked)
end

-- A message has come to its end with one recipient.
local function settle(message, agent)
  local key = K.message(message)
  local m = fields(key, 'i:' .. agent, 'open')
  if not m['i:' .. agent] then return end
  settle_number(agent, tonumber(m['i:' .. agent]))
  -- With nobody else to wait for, there is nothing left to expire.
  if m.open and redis.call('HSETNX', key, 's:' .. agent, 1) == 1 and redis.call('HINCRBY', key, 'open', -1) == 0 then
    forget_timer('ttl|' .. message)
    forget_timer('late|' .. message)
  end
end

-- A message that is in an agent's mailbox and is not kept any more: said in the log, and let go of.
local function report_gone(a, message)
  append(a.session, 'message.receipt', a.id, a.name,
    object('message', message, 'state', 'undeliverable', 'reason', 'expired'))
  for _, entry in ipairs(redis.call('XRANGE', K.inbox(a.id), '-', '+')) do
    if entry[2][2] == message then settle_number(a.id, tonumber(string.match(entry[1], '%d+'))) end
  end
end

local tell_sender -- given by the library that knows agents

local function undeliverable(message, agent, reason)
  if receipt(message, agent, 'undeliverable', 'reason', reason) then
    redis.call('HSET', K.message(message), 'x:' .. agent, reason)
    settle(message, agent)
    tell_sender(message, agent, reason)
    -- An agent that sent it is told by a message; whoever released the recipient knows.
    local m = fields(K.message(message), 'sender', 'role')
    if (m.sender or '') == '' and m.role ~= 'system' and reason ~= 'agent_released' then
      note_failure(agent, 'message|' .. message .. '|' .. agent)
    end
  end
end
