-- Stops a session, a machine or the workspace: from here on no turn begins there and nothing is started. Interrupting or
-- releasing the agents begins here and goes on by a timer. Stopped again, it is as it is; a pause may become a release.
-- KEYS[1] workspace root
-- ARGV    scope   'workspace', 'machine:<proxy id>' or 'session:<session id>'
--         name    of that, for people
--         id      of the stop
--         how     'pause' or 'release'
--         by
--         member  the id of who stops it, or ''
--         note    for people
-- Returns the stop as JSON
-- uses: stops audit
local kind, of = parts_of(scope)
if kind == 'session' and redis.call('EXISTS', K.session(of)) == 0 then
  return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session')
end
if kind == 'machine' and redis.call('EXISTS', K.link(of)) == 0 then
  return refuse('NotFound', 'PROXY_NOT_FOUND', 'no such machine')
end
local known = redis.call('HGET', K.stops(), scope)
if known then
  local before = cjson.decode(known).how
  if before == how or before == 'release' then return known end
end
record_act('agents.stopped', scope, nil, how)
local order = {id = id, scope = kind, of = of, name = name, how = how, by = by, member = member, note = note, at_ms = NOW,
  agents = 0, interrupted = 0, finished = false}
redis.call('HSET', K.stops(), scope, cjson.encode(order))
plan_work(id, scope, order)
carry_on('stopping|' .. id .. '|' .. scope, id, scope, halt)
return redis.call('HGET', K.stops(), scope)
