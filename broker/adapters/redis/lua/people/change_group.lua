-- Puts a member into a group, or takes them out.
-- KEYS[1] workspace root
-- ARGV    id
--         member
--         joins  '1' to put them in
-- Returns 1; 0 when it was so already
-- uses: privacy audit
if redis.call('HEXISTS', K.groups(), id) == 0 then return refuse('NotFound', 'GROUP_NOT_FOUND', 'no such group') end
if joins == '1' and redis.call('EXISTS', K.person(member)) == 0 then
  return refuse('NotFound', 'MEMBER_NOT_FOUND', 'no such member')
end
if redis.call(joins == '1' and 'SADD' or 'SREM', K.group_members(id), member) == 0 then return 0 end
redis.call(joins == '1' and 'SADD' or 'SREM', K.member_groups(member), id)
record_act(joins == '1' and 'group.member_added' or 'group.member_removed', 'group ' .. id, nil, 'member ' .. member)
privacy_changed()
return 1
