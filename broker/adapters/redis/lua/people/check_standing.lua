-- Whether a caller whose token is known may act now: what the token hangs on is there.
-- KEYS[1] workspace root
-- ARGV    kind        of the token
--         id
--         hash        '' when it is not the one that people made
--         agent       or ''
--         generation  of an agent, or of a member's sign-ins, or ''
--         member      or ''
--         family      or ''
--         provider    that let a member in, or ''
--         per_s       how many requests the token earns each second, for one that it pays for; '' for what is none
--         burst       how many it can save up
--         account     that pays, too; '' for none
--         per_account    how many times as much as a token it may ask
--         per_workspace  the same of the workspace
-- Returns what `standing_of` does; for a request that it pays for, behind that 'token', 'account' or 'workspace', the
-- one that has least of its quota left, and what `take_from` says of it
-- unguarded: reads what the caller may do
-- uses: standing points
local said = standing_of({kind = kind, id = id, hash = hash, agent = agent, generation = generation, member = member, family = family, provider = provider})
if said[1] ~= '' or per_s == '' then return said end
-- The narrow one first, and no wider one where it refuses: what one asks in vain takes nothing from the others.
local payers = {{'token', id .. ':requests', 1}, {'workspace', 'workspace:requests', tonumber(per_workspace)}}
if account ~= '' then table.insert(payers, 2, {'account', account .. ':requests:account', tonumber(per_account)}) end
local told, least
for _, payer in ipairs(payers) do
  local whom, key, times = unpack(payer)
  local left = take_from(K.allowance(key), 1, times * tonumber(per_s), times * tonumber(burst), redis.pcall)
  local share = left[2] / (times * tonumber(burst))
  if left[1] > 0 then share = -1 end
  if not least or share < least then told, least = {whom, unpack(left)}, share end
  if left[1] > 0 then break end
end
for _, each in ipairs(told) do said[#said + 1] = each end
return said
