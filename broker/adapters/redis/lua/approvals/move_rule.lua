-- Moves an approval rule ahead of another one.
-- KEYS[1] workspace root
-- ARGV    rule       JSON, written like those that are kept
--         ahead_of   the same of the other; '' for the end
--         others...  the rules without it, as the mover saw them, so that nothing is lost that came meanwhile
-- Returns 1 when it was moved, 0 when the rules are no longer those
-- uses: rules
local kept, seen = redis.call('GET', K.rules()) or '[]', {}
for _, other in ipairs(others) do
  if not string.find(kept, other, 1, true) then return 0 end
  if other == ahead_of then seen[#seen + 1] = rule end
  seen[#seen + 1] = other
end
if ahead_of == '' then seen[#seen + 1] = rule end
if #seen ~= #others + 1 or #seen ~= #cjson.decode(kept) or not string.find(kept, rule, 1, true) then return 0 end
local after = listed(seen)
if after == kept then return 1 end
record_act('rule.all_replaced', 'rules', kept, after)
redis.call('SET', K.rules(), after)
return 1
