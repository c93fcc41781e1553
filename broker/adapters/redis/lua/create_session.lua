-- Makes a session, or finds the one that has the name.
-- KEYS[1] workspace root
-- ARGV    1 session id to use  2 name  3 epoch to use
-- Returns the session's id
-- uses: log
local existing = redis.call('HGET', K.session_names(), ARGV[2])
if existing then return existing end
redis.call('HSET', K.session_names(), ARGV[2], ARGV[1])
redis.call('HSET', K.session(ARGV[1]), 'id', ARGV[1], 'name', ARGV[2], 'epoch', ARGV[3], 'offset', 0, 'created', NOW)
if redis.call('EXISTS', K.history()) == 1 then redis.call('HSET', K.session(ARGV[1]), 'shipped', 0) end
append(ARGV[1], 'session.created', nil, nil, '{"name":' .. json(ARGV[2]) .. '}')
return ARGV[1]
