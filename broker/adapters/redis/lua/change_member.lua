-- Gives a member another role, or removes it. The last owner stays one.
-- KEYS[1] workspace root
-- ARGV    1 member id  2 role, '' to remove  3 id of the member who does it, '' when it is none
-- Returns 1
-- uses: members
local member = fields(K.person(ARGV[1]), 'folded', 'role')
if not member.role then return refuse('NotFound', 'MEMBER_NOT_FOUND', 'no such member') end
if member.role == ARGV[2] then return 1 end
if (member.role == 'owner' or ARGV[2] == 'owner') and not may_change_owners(ARGV[3]) then return owners_only() end
if member.role == 'owner' and redis.call('SCARD', K.owners()) == 1 then
  return refuse('Conflict', 'LAST_OWNER', 'a workspace has at least one owner: make somebody else an owner first')
end
if ARGV[2] == 'owner' then
  redis.call('SADD', K.owners(), ARGV[1])
else
  redis.call('SREM', K.owners(), ARGV[1])
end
if ARGV[2] == '' then
  redis.call('ZREM', K.people(), ARGV[1])
  redis.call('HDEL', K.people_names(), member.folded)
  redis.call('DEL', K.person(ARGV[1]))
else
  redis.call('HSET', K.person(ARGV[1]), 'role', ARGV[2])
end
tell_access_changed(ARGV[1])
return 1
