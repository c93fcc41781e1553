-- Begins a sign-in, or lets one live longer: what is exchanged for it is good for as long as this is there.
-- KEYS[1] workspace root
-- ARGV    id
--         member
--         generation   of the member's sign-ins
--         life_ms
--         begins       '1' to begin it
--         let_in_with  the token that let them in, or ''
--         let_in_by    the member that let them in, or ''
--         provider     that let them in, or ''
--         hash         of its token, or '' for what is known already, or lies in another workspace
-- Returns 1; 0 when it has ended, or the member is gone or suspended, or who let them in
-- uses: access audit
local key = K.sign_in(id)
if begins == '1' then
  local p = fields(K.person(member), 'generation', 'suspended')
  if p.generation ~= generation or p.suspended or not is_maker_good(let_in_with, let_in_by) then return 0 end
  if provider ~= '' and redis.call('HGET', K.workspace(), 'provider') ~= provider then return 0 end
  redis.call('HSET', key, 'member', member, 'generation', generation)
  if provider ~= '' then redis.call('HSET', key, 'provider', provider) end
  if hash ~= '' then record_act('member.signed_in', 'member ' .. member, nil, 'sign-in ' .. id) end
end
if redis.call('PEXPIRE', key, life_ms) == 0 then return 0 end
if hash ~= '' then redis.call('HSET', key, 'token', hash) end
return 1
