-- uses: access_changes
-- To whom private sessions are open has changed: every process reads it anew, and looks at what everybody has open.
local function privacy_changed()
  if redis.call('EXISTS', K.workspace()) == 1 then redis.call('HINCRBY', K.workspace(), 'privacy', 1) end
  tell_access_changed({everybody = true})
end
