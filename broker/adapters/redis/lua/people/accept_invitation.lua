-- Uses an invitation up: whoever has its link is a member, with the role and in the groups that were preset.
-- KEYS[1] workspace root
-- ARGV    id
--         hash     of the link
--         member
--         name     that they chose
--         folded   the name in lower case
--         account  the person of the installation, '' when they have none yet
--         most     how many members there may be in any plan
--         plan     the workspace's
--         in_plan  how many there may be in it, 0 = any
-- Returns 1
-- uses: invitations joining privacy audit
if redis.call('HGET', K.people_names(), folded) == member then return 1 end -- sent twice
local row = open_invitation(id)
if not row or row.hash ~= hash or (redis.call('HGET', K.workspace(), 'state') or 'active') ~= 'active' then
  return no_invitation()
end
local refused = no_room_for(folded, most, plan, in_plan)
if refused then return refused end
redis.call('HDEL', K.invitations(), id)
record_act('invitation.accepted', 'invitation ' .. id, nil, 'member ' .. member)
let_in(member, name, folded, row.preset.role)
if account ~= '' then redis.call('HSET', K.person(member), 'account', account) end
for _, group in ipairs(row.preset.groups) do
  if redis.call('HEXISTS', K.groups(), group) == 1 then
    redis.call('SADD', K.group_members(group), member)
    redis.call('SADD', K.member_groups(member), group)
    record_act('group.member_added', 'group ' .. group, nil, 'member ' .. member)
  end
end
if #row.preset.groups > 0 then privacy_changed() end
return 1
