-- Removes a group: sessions that were open to it are open to it no longer.
-- KEYS[1] workspace root
-- ARGV    id
-- Returns 1
-- uses: privacy rules
local text = redis.call('HGET', K.groups(), id)
if not text then return refuse('NotFound', 'GROUP_NOT_FOUND', 'no such group') end
local group = cjson.decode(text)
local named = check_unnamed(group.name)
if named then return named end
for _, member in ipairs(redis.call('SMEMBERS', K.group_members(id))) do redis.call('SREM', K.member_groups(member), id) end
redis.call('DEL', K.group_members(id))
redis.call('HDEL', K.group_names(), group.folded)
redis.call('HDEL', K.groups(), id)
record_act('group.removed', 'group ' .. id, group.name)
privacy_changed()
return 1
