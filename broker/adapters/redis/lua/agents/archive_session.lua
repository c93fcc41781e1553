-- Puts a session away, or takes it back. One that is put away can be read, and is taken back when an agent starts in it.
-- KEYS[1] workspace root
-- ARGV    session
--         archived  '1', or '' to take it back
--         by        who, for the log
-- Returns 1, or 0 when it is so already
-- uses: log audit
local s = fields(K.session(session), 'name', 'archived')
if not s.name then return refuse('NotFound', 'SESSION_NOT_FOUND', 'no such session') end
if (s.archived == '1') == (archived == '1') then return 0 end
if archived == '1' and redis.call('SCARD', K.session_live(session)) > 0 then
  return refuse('Conflict', 'SESSION_HAS_AGENTS', 'agents of this session are still running; release them first')
end
record_act('session.archived', 'session ' .. session, s.archived, filled(archived))
if archived == '1' then
  redis.call('HSET', K.session(session), 'archived', 1)
else
  redis.call('HDEL', K.session(session), 'archived')
end
append(session, 'session.archived', nil, nil, object('archived', archived == '1', 'by', by))
return 1
