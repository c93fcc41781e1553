-- Whether a caller whose token is known may act now: what the token hangs on is there.
-- KEYS[1] workspace root
-- ARGV    kind        of the token
--         id
--         hash        '' when it is not the one that people made
--         agent       or ''
--         generation  of an agent, or of a member's sign-ins, or ''
--         member      or ''
--         family      or ''
--         per_s       how many requests the token earns each second, for one that it pays for; '' for what is none
--         burst       how many it can save up
-- Returns what `standing_of` does; for a request that it pays for, behind that what `take_from` says
-- unguarded: reads what the caller may do
-- uses: standing points
local said = standing_of({kind = kind, id = id, hash = hash, agent = agent, generation = generation, member = member, family = family})
if said[1] ~= '' or per_s == '' then return said end
local left = take_from(K.allowance(id .. ':requests'), 1, tonumber(per_s), tonumber(burst), redis.pcall)
for _, each in ipairs(left) do said[#said + 1] = each end
return said
