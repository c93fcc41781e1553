-- uses: commands outbox
-- Gives a machine one command of a run, once. `o` has:
--   command, run, step, attempt, kind, session
--   link         the machine
--   order        JSON for it
--   patience_ms  after this it is not begun any more; likewise, how long a machine may be away that has begun it
--   lasts_ms     what it may take, '' for as long as it likes
--   refused      why it is not ordered, as JSON; '' where it is
--   patient      whether it waits until its machine has begun enough of what it was given before
-- Returns how far it is: 'ordered', 'refused', 'no_room' where it is not ordered yet, or what it was before; and for the
-- first two what is to be told of that: the event's data, or the reason with which `advance_command` ends it.
local function enter_order(o)
  local key = K.command(o.command)
  local waits = o.patient and o.refused == '' and redis.call('SCARD', K.link_commands(o.link)) >= T.command_room
  if waits and redis.call('EXISTS', key) == 0 then return 'no_room' end
  if redis.call('HSETNX', key, 'state', 'ordered') == 0 then return redis.call('HGET', key, 'state') end
  redis.call('HSET', key, 'run', o.run, 'step', o.step, 'attempt', o.attempt, 'kind', o.kind, 'session', o.session,
    'link', o.link, 'patience', o.patience_ms, 'lasts', o.lasts_ms, 'at_ms', NOW, 'told', '{}')
  redis.call('EXPIRE', key, T.command_kept_s)
  if o.refused ~= '' then return 'refused', o.refused end
  local not_after = NOW + o.patience_ms
  if not post(o.link, extended(o.order, 'not_after_ms', end_for(o.link, not_after))) then
    return 'refused', object('reason', 'its machine is not known any more')
  end
  redis.call('SADD', K.link_commands(o.link), o.command)
  redis.call('EXPIRE', K.link_commands(o.link), T.command_kept_s)
  wake_at(not_after, 'command|' .. o.command)
  return 'ordered', command_event(o.command, o, 'ordered', object('machine', o.link))
end

-- The same for several, told behind `groups` of events of their session, see `append_groups`. Returns the ids of those
-- that there is no room for.
local function order_commands(session, orders, groups)
  local refused, without_room = {}, {}
  for _, each in ipairs(orders) do
    local state, told = enter_order(each)
    if told and state == 'ordered' then groups[#groups + 1] = {'command.ordered', nil, nil, {told}} end
    if told and state == 'refused' then refused[#refused + 1] = {each.command, told} end
    if state == 'no_room' then without_room[#without_room + 1] = each.command end
  end
  append_groups(session, groups)
  for _, each in ipairs(refused) do advance_command(each[1], 'refused', each[2]) end
  return without_room
end
