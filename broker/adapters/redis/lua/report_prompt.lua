-- The agent itself speaks about a prompt: it has it, it joined a turn, or it refuses it.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 message  8 'accepted'|'joined'|'refused'  9 turn id or reason
-- uses: report
local OVERLOAD_MS = 2000
forget_timer('proof|' .. a.id .. '|' .. a.generation .. '|' .. ARGV[7])
if ARGV[8] == 'accepted' then
  note(ARGV[7], a.id, 't:' .. a.id .. ':confirmed', NOW)
elseif ARGV[8] == 'joined' then
  receipt(ARGV[7], a.id, 'in_turn', ',"turn":' .. json(ARGV[9]))
  note(ARGV[7], a.id, 'u:' .. a.id, ARGV[9])
elseif ARGV[9] == 'overloaded' then -- for the moment: the same message again a little later
  if redis.call('LREM', K.inflight(a.id), 0, ARGV[7]) == 0 then return 1 end
  redis.call('ZADD', K.queue(a.id), redis.call('HGET', K.message(ARGV[7]), 'i:' .. a.id) or 0, ARGV[7])
  rewind(ARGV[7], a.id)
  if redis.call('LLEN', K.inflight(a.id)) == 0 then set_state(a, 'idle') end
  wake_at(NOW + OVERLOAD_MS, 'retry|' .. a.id)
else
  redis.call('LREM', K.inflight(a.id), 0, ARGV[7])
  undeliverable(ARGV[7], a.id, ARGV[9])
  if (a.state == 'working' or a.state == 'deaf') and redis.call('LLEN', K.inflight(a.id)) == 0 then set_state(a, 'idle') end
  dispatch(a)
end
return 1
