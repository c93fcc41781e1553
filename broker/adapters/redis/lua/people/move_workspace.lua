-- Brings a workspace into another state: active, archived, deleted or ending. Whoever has something open there is
-- looked at again.
-- KEYS[1] workspace root
-- ARGV    state
--         life_ms  how long until it ends, or '' when it does not
-- Returns 1, or 0 when it was in that state already
-- uses: access_changes audit
local w = fields(K.workspace(), 'name', 'state', 'ends')
local was = w.state or 'active'
if not w.name then return refuse('NotFound', 'WORKSPACE_NOT_FOUND', 'no such workspace') end
if was == 'ending' then
  if state == 'ending' then return 0 end
  return refuse('Conflict', 'WORKSPACE_ENDING', 'the data of this workspace is being removed')
end
if state == 'ending' and (was ~= 'deleted' or tonumber(w['ends']) > NOW) then
  return refuse('Conflict', 'WORKSPACE_NOT_OVER', 'this workspace can still be restored')
end
if state == 'archived' and was == 'deleted' then
  return refuse('Conflict', 'WORKSPACE_DELETED', 'this workspace was deleted: restore it first')
end
local ends = life_ms ~= '' and NOW + tonumber(life_ms) or nil
-- Deleted again, it ends when it was to, or sooner.
if was == state and not (ends and ends < tonumber(w['ends'])) then return 0 end
if ends and was == 'deleted' then ends = math.min(ends, tonumber(w['ends'])) end
redis.call('HSET', K.workspace(), 'state', state, 'since', NOW)
if ends then
  redis.call('HSET', K.workspace(), 'ends', string.format('%d', ends))
elseif state == 'active' then
  redis.call('HDEL', K.workspace(), 'ends')
end
record_act('workspace.state_changed', 'workspace', was, state)
tell_access_changed({everybody = true})
return 1
