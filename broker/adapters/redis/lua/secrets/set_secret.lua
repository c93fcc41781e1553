-- Sets a sealed secret; the value that it replaces may hold for a while longer.
-- KEYS[1] workspace root
-- ARGV    name
--         key         id of the key that sealed it
--         sealed
--         by
--         overlap_ms  how long a replaced value holds too
--         most        secrets of a workspace
-- Returns 1
-- uses: audit
local old = redis.call('HGET', K.secrets(), name)
if not old and redis.call('HLEN', K.secrets()) >= tonumber(most) then
  return refuse('BadRequest', 'TOO_MANY_SECRETS', 'a workspace has ' .. most .. ' secrets at most: delete some that nothing refers to')
end
local previous
if old and tonumber(overlap_ms) > 0 then
  local was = cjson.decode(old)
  previous = raw(object('key', was.key, 'until_ms', NOW + tonumber(overlap_ms), 'sealed', was.sealed))
end
record_act('secret.changed', 'secret ' .. name, old and 'sealed' or nil, 'sealed')
redis.call('HSET', K.secrets(), name,
  object('by', by, 'at_ms', NOW, 'key', key, 'sealed', sealed, previous and 'previous' or nil, previous))
return 1
