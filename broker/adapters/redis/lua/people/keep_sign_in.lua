-- Begins a sign-in, or lets one live longer: what is exchanged for it is good for as long as this is there.
-- KEYS[1] workspace root
-- ARGV    1 id of the sign-in  2 member id  3 generation of the member's sign-ins  4 its life, ms  5 '1' to begin it
--         6 and 7 the token and the member that let them in, each ''
-- Returns 1; 0 when it has ended, or the member is gone, or who let them in
-- uses: access
local id, member, generation, life_ms, begins, with, by = unpack(ARGV)
local key = K.sign_in(id)
if begins == '1' then
  if redis.call('HGET', K.person(member), 'generation') ~= generation or not is_maker_good(with, by) then return 0 end
  redis.call('HSET', key, 'member', member, 'generation', generation)
end
return redis.call('PEXPIRE', key, life_ms)
