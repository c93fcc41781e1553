-- Lifts a stop: what waits is handed over, a page of agents here and the others by a timer.
-- KEYS[1] workspace root
-- ARGV    scope   see stop
--         id      of the lifting
--         by
--         member  the id of who lifts it, or ''
--         note    for people
-- Returns the stop that was lifted as JSON, '' when it was not stopped
-- uses: stops audit
local known = redis.call('HGET', K.stops(), scope)
if not known then return '' end
redis.call('HDEL', K.stops(), scope)
local stop = cjson.decode(known)
record_act('agents.resumed', scope, stop.how)
redis.call('DEL', K.stopping(stop.id))
forget_timer('stopping|' .. stop.id .. '|' .. scope)
plan_work(id, scope, {id = stop.id, scope = stop.scope, of = stop.of, name = stop.name, by = by, member = member,
  note = note, at_ms = NOW})
carry_on('lifting|' .. id .. '|' .. scope, id, scope, let_go_on)
return known
