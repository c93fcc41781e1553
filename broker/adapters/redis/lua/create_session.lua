-- Makes a session, or finds the one that has the name.
-- KEYS[1] workspace root
-- ARGV    1 session id to use  2 name  3 epoch to use  4 how many there may be
-- Returns the session's id
-- uses: log
local session, name, epoch, most = unpack(ARGV)
local existing = redis.call('HGET', K.session_names(), name)
if existing then return existing end
if redis.call('HLEN', K.session_names()) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_SESSIONS', most .. ' sessions at most; delete some first')
end
redis.call('HSET', K.session_names(), name, session)
redis.call('HSET', K.session(session), 'id', session, 'name', name, 'epoch', epoch, 'offset', 0, 'created', NOW,
  'place', redis.call('HINCRBY', K.workspace(), 'sessions_made', 1))
if redis.call('EXISTS', K.history()) == 1 then redis.call('HSET', K.session(session), 'shipped', 0) end
append(session, 'session.created', nil, nil, '{"name":' .. json(name) .. '}')
return session
