-- Replaces a workspace's hooks.
-- KEYS[1] workspace root
-- ARGV    text      '' for none
--         by
--         author    JSON of who that is
--         replaced  the version that is replaced, '' for whichever
--         guards    JSON list of those that agents wait for
-- Returns the new version
-- uses: audit guards
local version = tonumber(redis.call('GET', K.hooks_version()) or '0')
if replaced ~= '' and tonumber(replaced) ~= version then
  return refuse('Conflict', 'HOOKS_CHANGED', 'the hooks were changed meanwhile: version ' .. version .. ' is there now')
end
local held = redis.call('HGET', K.hooks(), 'guards') or '[]'
redis.call('DEL', K.hook_endpoints()) -- whoever applies them has dealt with it
version = redis.call('INCR', K.hooks_version())
record_act('hooks.changed', 'hooks', 'version ' .. version - 1, text == '' and 'none' or 'version ' .. version .. ' sha1 ' .. redis.sha1hex(text))
if text == '' then
  redis.call('DEL', K.hooks(), K.hooks_due())
else
  redis.call('HSET', K.hooks(), 'text', text, 'version', version, 'by', by, 'author', author, 'at_ms', NOW, 'guards', guards)
end
if held ~= guards then tell_guards() end
return version
