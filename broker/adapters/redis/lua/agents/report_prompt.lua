-- The agent itself speaks about a prompt: it has it, it joined a turn, or it refuses it.
-- KEYS[1] workspace root
-- ARGV    message
--         verdict  'accepted', 'joined' or 'refused'
--         detail   turn id or reason
-- Returns 1, or 0 when it is not heard
-- uses: report
forget_timer('proof|' .. a.id .. '|' .. a.generation .. '|' .. message)
if verdict == 'accepted' then
  note(message, a.id, 't:' .. a.id .. ':confirmed', NOW)
elseif verdict == 'joined' then
  receipt(message, a.id, 'in_turn', 'turn', detail)
  note(message, a.id, 'u:' .. a.id, detail)
elseif detail == 'overloaded' then -- for the moment: the same message again a little later
  if redis.call('LREM', K.inflight(a.id), 0, message) == 0 then return 1 end
  if rewind(message, a.id) then
    redis.call('ZADD', K.queue(a.id), redis.call('HGET', K.message(message), 'i:' .. a.id), message)
  else
    report_gone(a, message)
  end
  if redis.call('LLEN', K.inflight(a.id)) == 0 then set_state(a, 'idle') end
  wake_at(NOW + T.overload_ms, 'retry|' .. a.id)
else
  drop_inflight(a, message, detail)
end
return 1
