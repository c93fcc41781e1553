-- Gives a member another role, or removes it and all that hangs on it; its machines are cut off. The last owner stays
-- one. Who is an owner no longer does not keep the keys of the workspace that it made: they may do what an owner may.
-- KEYS[1] workspace root
-- ARGV    id
--         role  '' to remove
--         by    the member who does it, or the token with scopes, '' for a key
--         erased  '1' when the name is gone with it, else ''
-- Returns {hashes of the tokens that have ended with it, how many those are, how many machines, how many agents}
-- uses: members identities ownership audit
local NOTHING = {{}, 0, 0, 0}
local member = fields(K.person(id), 'folded', 'role', 'suspended')
if not member.role then return refuse('NotFound', 'MEMBER_NOT_FOUND', 'no such member') end
if member.role == role then return NOTHING end
if (member.role == 'owner' or role == 'owner') and not may_change_owners(by) then return owners_only() end
if member.role == 'owner' and is_last_owner(id) then
  return refuse('Conflict', 'LAST_OWNER', 'a workspace has at least one owner: make somebody else an owner first')
end
record_act(role ~= '' and 'member.role_changed' or erased == '1' and 'member.erased' or 'member.removed', 'member ' .. id,
  member.role, filled(role))
if role == 'owner' and not member.suspended then
  redis.call('SADD', K.owners(), id)
else
  redis.call('SREM', K.owners(), id)
end
if role ~= '' then
  redis.call('HSET', K.person(id), 'role', role)
  if not works(role) then redis.call('HINCRBY', K.person(id), 'approvals_lost', 1) end -- what they allowed ends
  tell_member_changed(id)
  local keys = member.role == 'owner' and keys_of(id) or {}
  return #keys > 0 and end_access(keys) or NOTHING
end
redis.call('ZREM', K.people(), id)
redis.call('HDEL', K.people_names(), member.folded)
forget_identity(id)
redis.call('DEL', K.person(id))
redis.call('SREM', K.suspended(), id)
for _, group in ipairs(redis.call('SMEMBERS', K.member_groups(id))) do redis.call('SREM', K.group_members(group), id) end
redis.call('DEL', K.member_groups(id))
orphan_machines(id)
return end_access({}, id)
