-- Makes a group, or gives it another name.
-- KEYS[1] workspace root
-- ARGV    id
--         name
--         folded  the name in lower case
--         most    how many groups there may be
--         is_new  '1' to make it
-- Returns 1
-- uses: rules
local named = redis.call('HGET', K.group_names(), folded)
if named and named ~= id then return refuse('Conflict', 'NAME_TAKEN', 'there is a group with that name') end
local text = redis.call('HGET', K.groups(), id)
if is_new == '1' and text then return 1 end -- sent twice
if is_new ~= '1' and not text then return refuse('NotFound', 'GROUP_NOT_FOUND', 'no such group') end
if is_new == '1' and redis.call('HLEN', K.groups()) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_GROUPS', most .. ' groups at most; remove some first')
end
local group = text and cjson.decode(text) or {created = NOW}
if group.name == name then return 1 end
local in_rule = group.name and check_unnamed(group.name)
if in_rule then return in_rule end
if group.name then redis.call('HDEL', K.group_names(), group.folded) end
redis.call('HSET', K.group_names(), folded, id)
redis.call('HSET', K.groups(), id, cjson.encode({name = name, folded = folded, created = group.created}))
record_act(text and 'group.renamed' or 'group.created', 'group ' .. id, group.name, name)
return 1
