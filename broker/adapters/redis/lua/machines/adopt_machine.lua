-- Lets a machine have another owner, once it is linked with a token of theirs: that is how the machine agrees.
-- KEYS[1] workspace root
-- ARGV    proxy
--         member  who is to own it, '' for the workspace
-- Returns 1
-- uses: ownership audit
local l = fields(K.link(proxy), 'machine', 'owner', 'orphaned', 'adopter')
if not l.machine or redis.call('HGET', K.proxies(), l.machine) ~= proxy then
  return refuse('NotFound', 'PROXY_NOT_FOUND', 'no such machine')
end
if l.owner and not l.orphaned then
  return refuse('Conflict', 'PROXY_OWNED', 'this machine has an owner; only one whose owner was removed, or that has none, can be adopted')
end
local adopter = member == '' and NOBODY or member
if l.adopter ~= adopter then record_act('machine.adoption_allowed', 'machine ' .. proxy, l.adopter, adopter) end
redis.call('HSET', K.link(proxy), 'adopter', adopter)
return 1
