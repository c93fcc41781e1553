-- uses: commands outbox
-- Gives a machine one command of a run, once. `o` has:
--   command, run, step, attempt, kind, session
--   link         the machine
--   order        JSON for it
--   patience_ms  after this it is not begun any more; likewise, how long a machine may be away that has begun it
--   lasts_ms     what it may take, '' for as long as it likes
--   refused      why it is not ordered, as JSON; '' where it is
-- Returns how far it is: 'ordered', 'refused', or what it was before
local function order_command(o)
  local key = K.command(o.command)
  if redis.call('HSETNX', key, 'state', 'ordered') == 0 then return redis.call('HGET', key, 'state') end
  redis.call('HSET', key, 'run', o.run, 'step', o.step, 'attempt', o.attempt, 'kind', o.kind, 'session', o.session,
    'link', o.link, 'patience', o.patience_ms, 'lasts', o.lasts_ms, 'at_ms', NOW, 'told', '{}')
  redis.call('EXPIRE', key, T.command_kept_s)
  local refused = o.refused
  if refused == '' and redis.call('EXISTS', K.link(o.link)) == 0 then
    refused = object('reason', 'its machine is not known any more')
  end
  if refused ~= '' then
    advance_command(o.command, 'refused', refused)
    return 'refused'
  end
  local not_after = NOW + o.patience_ms
  append(o.session, 'command.ordered', nil, nil, command_event(o.command, o, 'ordered', object('machine', o.link)))
  wake_at(not_after, 'command|' .. o.command)
  post(o.link, extended(o.order, 'not_after_ms', not_after))
  return 'ordered'
end
