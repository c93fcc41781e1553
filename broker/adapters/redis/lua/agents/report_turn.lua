-- A turn has started or ended.
-- KEYS[1] workspace root
-- ARGV    phase        'started' or 'ended'
--         turn
--         data         JSON for the log
--         messages...  ids of those that are of the turn
-- Returns 1, or 0 when it is not heard
-- uses: report

-- A turn is a span of the trace that its message is in; what the agent sends meanwhile follows from it.
local function begin_turn(a, turn, message)
  local cause = message and redis.call('HGET', K.message(message), 'trace')
  local trace = cause and string.sub(cause, 1, 36) .. string.sub(redis.sha1hex(a.id .. ' ' .. turn), 1, 16) .. string.sub(cause, 53)
  append(a.session, 'turn.started', a.id, a.name, is_traced(trace) and extended(data, 'trace', trace) or data)
  redis.call('HSET', K.agent(a.id), 'turn', turn, 'turn_at', NOW)
  if trace then redis.call('HSET', K.agent(a.id), 'turn_trace', trace) else redis.call('HDEL', K.agent(a.id), 'turn_trace') end
end

if phase == 'started' then
  begin_turn(a, turn, messages[1])
  for _, message in ipairs(messages) do
    forget_timer('proof|' .. a.id .. '|' .. a.generation .. '|' .. message)
    receipt(message, a.id, 'in_turn', 'turn', turn)
    note(message, a.id, 'u:' .. a.id, turn)
  end
  if a.state == 'idle' or a.state == 'deaf' then set_state(a, 'working', 'turn', turn) end
  -- One that was under way when all was stopped, or that the agent began by itself, goes no further.
  a.turn = turn
  if stop_over(a.session, a.proxy) or budget_interrupts(a) then interrupt(a) end
  return 1
end
local running = fields(K.agent(a.id), 'turn', 'turn_at', 'turn_trace')
local is_running = running.turn == turn and running.turn_at
local traced = is_running and is_traced(running.turn_trace)
append(a.session, 'turn.ended', a.id, a.name,
  traced and extended(data, 'trace', running.turn_trace, 'began_ms', tonumber(running.turn_at)) or data)
if is_running then spend(a, 'minutes', NOW - running.turn_at) end
forget_timer('interrupt|' .. a.id .. '|' .. a.generation .. '|' .. turn)
local closing = cjson.decode(data)
for _, message in ipairs(messages) do
  redis.call('LREM', K.inflight(a.id), 0, message)
  note(message, a.id, 'w:' .. a.id, cut(closing.text, T.answer_bytes), 'o:' .. a.id, closing.outcome)
  receipt(message, a.id, 'answered', 'turn', turn, 'outcome', closing.outcome)
  settle(message, a.id)
end
if running.turn == turn then
  redis.call('HSET', K.agent(a.id), 'turn', '')
  redis.call('HDEL', K.agent(a.id), 'turn_trace')
end
if redis.call('LLEN', K.inflight(a.id)) == 0 and (a.state == 'working' or a.state == 'deaf') then set_state(a, 'idle') end
dispatch(a)
return 1
