-- Adds a person to the workspace.
-- KEYS[1] workspace root
-- ARGV    1 member id  2 name  3 the name in lower case  4 role  5 id of the member who adds it, '' when it is none
--         6 how many there may be  7 '1' only when there is nobody yet
-- Returns 1; 0 when there is somebody and there should be nobody
-- uses: members
local named = redis.call('HGET', K.people_names(), ARGV[3])
if named == ARGV[1] then return 1 end -- sent twice
if ARGV[7] == '1' and redis.call('EXISTS', K.people()) == 1 then return 0 end
if named then
  return refuse('Conflict', 'NAME_TAKEN', 'there is a member with that name')
end
if redis.call('ZCARD', K.people()) >= tonumber(ARGV[6]) then
  return refuse('Conflict', 'TOO_MANY_MEMBERS', ARGV[6] .. ' members at most')
end
if ARGV[4] == 'owner' and not may_change_owners(ARGV[5]) then return owners_only() end
redis.call('ZADD', K.people(), NOW, ARGV[1])
redis.call('HSET', K.people_names(), ARGV[3], ARGV[1])
redis.call('HSET', K.person(ARGV[1]), 'id', ARGV[1], 'name', ARGV[2], 'folded', ARGV[3], 'role', ARGV[4],
  'generation', 1, 'created', NOW)
if ARGV[4] == 'owner' then redis.call('SADD', K.owners(), ARGV[1]) end
return 1
