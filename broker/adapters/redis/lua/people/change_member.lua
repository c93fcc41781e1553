-- Gives a member another role, or removes it and all that hangs on it; its machines are cut off. The last owner stays
-- one. Who is an owner no longer does not keep the keys of the workspace that it made: they may do what an owner may.
-- KEYS[1] workspace root
-- ARGV    id
--         role  '' to remove
--         by    the member who does it, '' when it is none
-- Returns {hashes of the tokens that have ended with it, how many those are, how many machines, how many agents}
-- uses: members ownership audit
local NOTHING = {{}, 0, 0, 0}
local member = fields(K.person(id), 'folded', 'role')
if not member.role then return refuse('NotFound', 'MEMBER_NOT_FOUND', 'no such member') end
if member.role == role then return NOTHING end
if (member.role == 'owner' or role == 'owner') and not may_change_owners(by) then return owners_only() end
if member.role == 'owner' and redis.call('SCARD', K.owners()) == 1 then
  return refuse('Conflict', 'LAST_OWNER', 'a workspace has at least one owner: make somebody else an owner first')
end
record_act(role == '' and 'member.removed' or 'member.role_changed', 'member ' .. id, member.role, filled(role))
if role == 'owner' then
  redis.call('SADD', K.owners(), id)
else
  redis.call('SREM', K.owners(), id)
end
if role ~= '' then
  redis.call('HSET', K.person(id), 'role', role)
  if role == 'viewer' then redis.call('HINCRBY', K.person(id), 'approvals_lost', 1) end -- what they allowed ends
  tell_member_changed(id)
  local keys = member.role == 'owner' and keys_of(id) or {}
  return #keys > 0 and end_access(keys) or NOTHING
end
redis.call('ZREM', K.people(), id)
redis.call('HDEL', K.people_names(), member.folded)
redis.call('DEL', K.person(id))
orphan_machines(id)
return end_access({}, id)
