-- Suspends a member, or ends that. All that hangs on them stays, and nothing of it acts meanwhile: sign-ins, tokens they
-- made, machines and the agents there. The last owner who is not suspended stays one.
-- KEYS[1] workspace root
-- ARGV    id
--         on  '1' to suspend, '' to end that
--         by  the member who does it, or the token with scopes, '' for a key
-- Returns 1
-- uses: members audit
local member = fields(K.person(id), 'role', 'suspended')
if not member.role then return refuse('NotFound', 'MEMBER_NOT_FOUND', 'no such member') end
if member.role == 'owner' and not may_change_owners(by) then return owners_only() end
if (on == '1') == (member.suspended ~= nil) then return 1 end
if on == '1' and member.role == 'owner' and is_last_owner(id) then
  return refuse('Conflict', 'LAST_OWNER', 'a workspace has at least one owner: make somebody else an owner first')
end
record_act(on == '1' and 'member.suspended' or 'member.reinstated', 'member ' .. id)
if on == '1' then
  redis.call('HSET', K.person(id), 'suspended', NOW)
  redis.call('SADD', K.suspended(), id)
  redis.call('SREM', K.owners(), id)
else
  redis.call('HDEL', K.person(id), 'suspended')
  redis.call('SREM', K.suspended(), id)
  if member.role == 'owner' then redis.call('SADD', K.owners(), id) end
end
local held, everybody = {}, {}
for _, each in ipairs(redis.call('SMEMBERS', K.suspended())) do everybody[each] = true end
add_made(held, everybody)
local theirs, before = {}, redis.call('SMEMBERS', K.held_tokens())
redis.call('DEL', K.held_tokens())
for token in pairs(held) do
  redis.call('SADD', K.held_tokens(), token)
  theirs[#theirs + 1] = token
end
for _, token in ipairs(before) do held[token] = true end
local _, agents = machines_with(held, id)
tell_access_changed({members = {id}, tokens = theirs, agents = agents})
return 1
