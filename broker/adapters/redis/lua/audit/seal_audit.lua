-- Keeps seals of audit records, and lets go of the oldest records that are sealed.
-- KEYS[1] workspace root
-- ARGV    first  the number of the record that the first of them is of
--         kept   how many sealed records stay
--         seals...
-- Returns 1; 0 when they do not follow those that are kept
local state = fields(K.audit_state(), 'number', 'sealed')
if tonumber(state.sealed or '0') + 1 ~= tonumber(first) then return 0 end
local sealed = first + #seals - 1
if sealed > tonumber(state.number or '0') then return 0 end
for i, seal in ipairs(seals) do redis.call('XADD', K.audit_seals(), (first + i - 1) .. '-0', 'h', seal) end
redis.call('HSET', K.audit_state(), 'sealed', sealed, 'seal', seals[#seals])
local over = sealed - kept
local base = over > 0 and redis.call('XRANGE', K.audit_seals(), over .. '-0', over .. '-0')[1]
if base then
  redis.call('HSET', K.audit_state(), 'first', over + 1, 'base', base[2][2])
  redis.call('XTRIM', K.audit(), 'MINID', (over + 1) .. '-0')
  redis.call('XTRIM', K.audit_seals(), 'MINID', (over + 1) .. '-0')
end
return 1
