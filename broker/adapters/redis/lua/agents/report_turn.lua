-- A turn has started or ended.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 'started'|'ended'  8 turn id  9 data JSON for the log  then the message ids of the turn
-- uses: report
local phase, turn, data = ARGV[7], ARGV[8], ARGV[9]
local ANSWER_BYTES = 262144 -- of an answer that is shown with its message; the log has all of it
append(a.session, 'turn.' .. phase, a.id, a.name, data)
if phase == 'started' then
  redis.call('HSET', K.agent(a.id), 'turn', turn)
  for i = 10, #ARGV do
    forget_timer('proof|' .. a.id .. '|' .. a.generation .. '|' .. ARGV[i])
    receipt(ARGV[i], a.id, 'in_turn', ',"turn":' .. json(turn))
    note(ARGV[i], a.id, 'u:' .. a.id, turn)
  end
  if a.state == 'idle' or a.state == 'deaf' then set_state(a, 'working', ',"turn":' .. json(turn)) end
  -- One that was under way when all was stopped, or that the agent began by itself, goes no further.
  a.turn = turn
  if stop_over(a.session, a.proxy) then interrupt(a) end
  return 1
end
forget_timer('interrupt|' .. a.id .. '|' .. a.generation .. '|' .. turn)
local closing = cjson.decode(data)
for i = 10, #ARGV do
  redis.call('LREM', K.inflight(a.id), 0, ARGV[i])
  note(ARGV[i], a.id, 'w:' .. a.id, cut(closing.text, ANSWER_BYTES), 'o:' .. a.id, closing.outcome)
  receipt(ARGV[i], a.id, 'answered', ',"turn":' .. json(turn) .. ',"outcome":' .. json(closing.outcome))
  settle(ARGV[i], a.id)
end
if redis.call('HGET', K.agent(a.id), 'turn') == turn then redis.call('HSET', K.agent(a.id), 'turn', '') end
if redis.call('LLEN', K.inflight(a.id)) == 0 and (a.state == 'working' or a.state == 'deaf') then set_state(a, 'idle') end
dispatch(a)
return 1
