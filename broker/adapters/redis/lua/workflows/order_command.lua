-- Gives a machine one command of a run, once.
-- KEYS[1] workspace root
-- ARGV    command
--         run
--         step
--         attempt
--         kind
--         session
--         link         the machine
--         order        JSON for it
--         patience_ms  after this it is not begun any more; likewise, how long a machine may be away that has begun it
--         lasts_ms     what it may take, '' for as long as it likes
--         refused      why it is not ordered, as JSON; '' where it is
-- Returns how far it is: 'ordered', 'refused', or what it was before
-- uses: commands outbox
if redis.call('HSETNX', K.command(command), 'state', 'ordered') == 0 then return redis.call('HGET', K.command(command), 'state') end
redis.call('HSET', K.command(command), 'run', run, 'step', step, 'attempt', attempt, 'kind', kind, 'session', session,
  'link', link, 'patience', patience_ms, 'lasts', lasts_ms, 'at_ms', NOW, 'told', '{}')
redis.call('EXPIRE', K.command(command), T.command_kept_s)
if refused == '' and redis.call('EXISTS', K.link(link)) == 0 then
  refused = object('reason', 'its machine is not known any more')
end
if refused ~= '' then
  advance_command(command, 'refused', refused)
  return 'refused'
end
local not_after = NOW + tonumber(patience_ms)
append(session, 'command.ordered', nil, nil, command_event(command, load_command(command), 'ordered', object('machine', link)))
wake_at(not_after, 'command|' .. command)
post(link, extended(order, 'not_after_ms', not_after))
return 'ordered'
