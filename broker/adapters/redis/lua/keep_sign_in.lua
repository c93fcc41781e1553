-- Begins a sign-in, or lets one live longer: what is exchanged for it is good for as long as this is there.
-- KEYS[1] workspace root
-- ARGV    1 id of the sign-in  2 member id  3 generation of the member's sign-ins  4 its life, ms  5 '1' to begin it
-- Returns 1; 0 when it has ended, or the member is gone
local id, member, generation, life_ms, begins = unpack(ARGV)
local key = K.sign_in(id)
if begins == '1' and redis.call('HGET', K.person(member), 'generation') == generation then
  redis.call('HSET', key, 'member', member, 'generation', generation)
end
return redis.call('PEXPIRE', key, life_ms)
