-- Ends a session: nobody finds it from here on. What is left of it `sweep_session` deletes, as often as it takes.
-- KEYS[1] workspace root
-- ARGV    session
-- Returns 1
-- uses: run_wakings audit budget_ends log
local name = redis.call('HGET', K.session(session), 'name')
if not name then return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session') end
if redis.call('SCARD', K.session_live(session)) > 0 then
  return refuse('Conflict', 'SESSION_HAS_AGENTS', 'agents of this session are still running; release them first')
end
record_act('session.deleted', 'session ' .. session)
local maker = redis.call('HGET', K.session(session), 'maker')
if maker and redis.call('HINCRBY', K.session_makers(), maker, -1) <= 0 then redis.call('HDEL', K.session_makers(), maker) end
redis.call('ZADD', K.removed(), NOW, session)
redis.call('SREM', K.unshipped(), session)
redis.call('HDEL', K.session_names(), name)
redis.call('HDEL', K.stops(), 'session:' .. session)
for _, run in ipairs(redis.call('SMEMBERS', K.session_runs(session))) do wake_run(run) end
note_all_dropped(session)
redis.call('UNLINK', K.session_runs(session), K.session_listeners(session), K.session(session), K.log(session), K.sizes(session),
  K.names(session), K.session_live(session), K.session_pauses(session))
drop_budgets_of(session)
return 1
