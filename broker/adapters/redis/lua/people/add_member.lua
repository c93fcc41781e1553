-- Adds a person to the workspace.
-- KEYS[1] workspace root
-- ARGV    member
--         name
--         folded      the name in lower case
--         role
--         by          the member who adds it, or the token with scopes, '' for a key
--         most        how many there may be in any plan
--         plan        the workspace's
--         in_plan     how many there may be in it, 0 = any
--         only_first  '1' only when there is nobody yet
--         suspended   '1' for somebody who is suspended from the beginning, as an archive may have them
-- Returns 1; 0 when there is somebody and there should be nobody
-- uses: members joining
if redis.call('HGET', K.people_names(), folded) == member then return 1 end -- sent twice
if only_first == '1' and redis.call('EXISTS', K.people()) == 1 then return 0 end
local refused = no_room_for(folded, most, plan, in_plan)
if refused then return refused end
if not is_maker_good('', by) then return refuse('NotAuthenticated', 'TOKEN_REVOKED', 'you were removed') end
if role == 'owner' and not may_change_owners(by) then return owners_only() end
let_in(member, name, folded, role)
if suspended == '1' then
  redis.call('HSET', K.person(member), 'suspended', NOW)
  redis.call('SADD', K.suspended(), member)
  redis.call('SREM', K.owners(), member)
  record_act('member.suspended', 'member ' .. member)
end
return 1
