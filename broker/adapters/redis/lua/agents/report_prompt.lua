-- The agent itself speaks about a prompt: it has it, it joined a turn, or it refuses it.
-- KEYS[1] workspace root
-- ARGV    message
--         verdict  'accepted', 'seen' when it had it before, 'joined' or 'refused'
--         detail   turn id or reason
-- Returns 1, or 0 when it is not heard
-- uses: report
forget_timer('proof|' .. a.id .. '|' .. a.generation .. '|' .. message)

-- The store remembers one delivery and no turn, and the agent had the message before: a backup was restored, or a
-- replica that lacked the rest was promoted. What came of it was told, and is forgotten; only the nudge asks for it.
local function is_forgotten()
  if verdict ~= 'seen' then return false end
  local m = fields(K.message(message), 'r:' .. a.id, 'k:' .. a.id)
  local step = STEP[m['r:' .. a.id]]
  return m['k:' .. a.id] == '1' and step and step < STEP.in_turn
end

-- The message waits again, in its old place.
local function put_back()
  if redis.call('LREM', K.inflight(a.id), 0, message) == 0 then return false end
  if rewind(message, a.id) then
    redis.call('ZADD', K.queue(a.id), redis.call('HGET', K.message(message), 'i:' .. a.id), message)
  else
    report_gone(a, message)
  end
  if redis.call('LLEN', K.inflight(a.id)) == 0 then set_state(a, 'idle') end
  return true
end

if is_forgotten() then
  if put_back() then dispatch(a) end
elseif verdict == 'accepted' or verdict == 'seen' then
  note(message, a.id, 't:' .. a.id .. ':confirmed', NOW)
elseif verdict == 'joined' then
  receipt(message, a.id, 'in_turn', 'turn', detail)
  note(message, a.id, 'u:' .. a.id, detail)
elseif detail == 'overloaded' then -- for the moment: the same message again a little later
  if put_back() then wake_at(NOW + T.overload_ms, 'retry|' .. a.id) end
else
  drop_inflight(a, message, detail)
end
return 1
