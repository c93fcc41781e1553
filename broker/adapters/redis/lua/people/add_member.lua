-- Adds a person to the workspace.
-- KEYS[1] workspace root
-- ARGV    member
--         name
--         folded      the name in lower case
--         role
--         by          the member who adds it, '' when it is none
--         most        how many there may be in any plan
--         plan        the workspace's
--         in_plan     how many there may be in it, 0 = any
--         only_first  '1' only when there is nobody yet
-- Returns 1; 0 when there is somebody and there should be nobody
-- uses: members plans audit
local named = redis.call('HGET', K.people_names(), folded)
if named == member then return 1 end -- sent twice
if only_first == '1' and redis.call('EXISTS', K.people()) == 1 then return 0 end
if named then
  return refuse('Conflict', 'NAME_TAKEN', 'there is a member with that name')
end
if redis.call('ZCARD', K.people()) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_MEMBERS', most .. ' members at most')
end
local over = over_limit('members', plan, redis.call('ZCARD', K.people()), tonumber(in_plan))
if over then return over end
if not is_maker_good('', by) then return refuse('NotAuthenticated', 'TOKEN_REVOKED', 'you were removed') end
if role == 'owner' and not may_change_owners(by) then return owners_only() end
redis.call('ZADD', K.people(), next_place(K.people()), member)
redis.call('HSET', K.people_names(), folded, member)
redis.call('HSET', K.person(member), 'id', member, 'name', name, 'folded', folded, 'role', role,
  'generation', 1, 'created', NOW)
if role == 'owner' then redis.call('SADD', K.owners(), member) end
record_act('member.added', 'member ' .. member, nil, role)
return 1
