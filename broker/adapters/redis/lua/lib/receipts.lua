-- uses: log
-- How far a message got with one recipient. Steps only go forward; a step already made is not made again.
local MESSAGE_KEPT_S = 691200 -- a day more than the longest time a message may wait
local STEP = {queued = 1, sent = 2, received = 3, handed = 4, in_turn = 5, answered = 6, undeliverable = 6}

-- `more`: further members of the event as JSON text beginning with a comma, or nil. Returns whether the step was new.
local function receipt(message, agent, state, more)
  local key = K.message(message)
  local now = fields(key, 'session', 'r:' .. agent, 'n:' .. agent)
  if not now.session or not now['n:' .. agent] then return false end -- expired, or not a message to this agent
  local was = now['r:' .. agent]
  if was and STEP[was] >= STEP[state] then return false end
  redis.call('HSET', key, 'r:' .. agent, state, 't:' .. agent .. ':' .. state, NOW)
  append(now.session, 'message.receipt', agent, now['n:' .. agent],
    '{"message":"' .. message .. '","state":"' .. state .. '"' .. (more or '') .. '}')
  return true
end

-- A fact about a message's way to one recipient; nothing when the message is not known, or is not for them.
local function note(message, agent, ...)
  if redis.call('HEXISTS', K.message(message), 'n:' .. agent) == 1 then redis.call('HSET', K.message(message), ...) end
end

-- After a restart a message starts again from the queue; its earlier steps stay in the log.
local function rewind(message, agent)
  redis.call('HSET', K.message(message), 'r:' .. agent, 'queued')
end

-- The mailbox number of a settled message; the cumulative ack moves over every settled number next to it.
local function settle(message, agent)
  local number = redis.call('HGET', K.message(message), 'i:' .. agent)
  if not number then return end
  local box, settled = K.agent(agent), K.settled(agent)
  redis.call('ZADD', settled, number, number)
  local acked = tonumber(redis.call('HGET', box, 'acked') or '0')
  while redis.call('ZREM', settled, acked + 1) == 1 do acked = acked + 1 end
  redis.call('HSET', box, 'acked', acked)
  -- With nobody else to wait for, there is nothing left to expire.
  if redis.call('SCARD', K.recipients(message)) == 1 then forget_timer('ttl|' .. message) end
end

local tell_sender -- given by the library that knows agents

local function undeliverable(message, agent, reason)
  if receipt(message, agent, 'undeliverable', ',"reason":' .. json(reason)) then
    redis.call('HSET', K.message(message), 'x:' .. agent, reason)
    settle(message, agent)
    tell_sender(message, agent, reason)
  end
end
