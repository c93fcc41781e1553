-- How often access has changed in the workspace: what a caller may do was read at one count, and holds for that alone.
-- `Scripts` gives it to every script that does not say `unguarded`, reads the caller again and tries once more.
-- ARGV    read_at  when what the caller may do was read, or '' for the broker itself; given by `Scripts` itself
if read_at ~= '' and read_at ~= (redis.call('HGET', K.workspace(), 'access') or '0') then
  return refuse('AccessChanged', 'ACCESS_CHANGED', 'your access has just changed: ask again')
end
