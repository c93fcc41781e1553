-- A turn has started or ended.
-- KEYS[1] workspace root
-- ARGV    phase        'started' or 'ended'
--         turn
--         data         JSON for the log
--         messages...  ids of those that are of the turn
-- Returns 1, or 0 when it is not heard
-- uses: report
append(a.session, 'turn.' .. phase, a.id, a.name, data)
if phase == 'started' then
  redis.call('HSET', K.agent(a.id), 'turn', turn, 'turn_at', NOW)
  for _, message in ipairs(messages) do
    forget_timer('proof|' .. a.id .. '|' .. a.generation .. '|' .. message)
    receipt(message, a.id, 'in_turn', 'turn', turn)
    note(message, a.id, 'u:' .. a.id, turn)
  end
  if a.state == 'idle' or a.state == 'deaf' then set_state(a, 'working', 'turn', turn) end
  -- One that was under way when all was stopped, or that the agent began by itself, goes no further.
  a.turn = turn
  if stop_over(a.session, a.proxy) then interrupt(a) end
  return 1
end
local began = redis.call('HGET', K.agent(a.id), 'turn_at')
if began and redis.call('HGET', K.agent(a.id), 'turn') == turn then spend(a, 'minutes', NOW - began) end
forget_timer('interrupt|' .. a.id .. '|' .. a.generation .. '|' .. turn)
local closing = cjson.decode(data)
for _, message in ipairs(messages) do
  redis.call('LREM', K.inflight(a.id), 0, message)
  note(message, a.id, 'w:' .. a.id, cut(closing.text, T.answer_bytes), 'o:' .. a.id, closing.outcome)
  receipt(message, a.id, 'answered', 'turn', turn, 'outcome', closing.outcome)
  settle(message, a.id)
end
if redis.call('HGET', K.agent(a.id), 'turn') == turn then redis.call('HSET', K.agent(a.id), 'turn', '') end
if redis.call('LLEN', K.inflight(a.id)) == 0 and (a.state == 'working' or a.state == 'deaf') then set_state(a, 'idle') end
dispatch(a)
return 1
