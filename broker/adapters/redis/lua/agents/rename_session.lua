-- Gives a session another name. Its id, its address and its log stay.
-- KEYS[1] workspace root
-- ARGV    session
--         name
--         by       who, for the log
-- Returns 1, or 0 when it has that name already
-- uses: log audit
local was = redis.call('HGET', K.session(session), 'name')
if not was then return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session') end
if was == name then return 0 end
if redis.call('HEXISTS', K.session_names(), name) == 1 then
  return refuse('Conflict', 'NAME_TAKEN', 'another session is called ' .. name)
end
record_act('session.renamed', 'session ' .. session, was, name)
redis.call('HDEL', K.session_names(), was)
redis.call('HSET', K.session_names(), name, session)
redis.call('HSET', K.session(session), 'name', name)
append(session, 'session.renamed', nil, nil, object('name', name, 'was', was, 'by', by))
return 1
