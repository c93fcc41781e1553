-- What gateways are told when access has become less: lists of tokens, families, members and agents of this
-- workspace, or that it is about everybody in it. Scripts see the change by its number, whoever was told or not.
local function tell_access_changed(change)
  local said = {root = ROOT, everybody = change.everybody}
  for _, kind in ipairs({'tokens', 'families', 'members', 'agents'}) do
    if change[kind] and #change[kind] > 0 then said[kind] = change[kind] end
  end
  if redis.call('EXISTS', K.workspace()) == 1 then redis.call('HINCRBY', K.workspace(), 'access', 1) end
  redis.call('PUBLISH', ACCESS_CHANNEL, cjson.encode(said))
end
