-- Takes an approval rule away, wherever it stands by now.
-- KEYS[1] workspace root
-- ARGV    rule  JSON, written like those that are kept
-- Returns 1 when it was there
-- uses: rules
local kept = redis.call('GET', K.rules()) or '[]'
local first, last = string.find(kept, rule, 1, true)
if not first then return 0 end
local before, behind = string.sub(kept, 1, first - 1), string.sub(kept, last + 1)
if string.sub(behind, 1, 1) == ',' then
  behind = string.sub(behind, 2)
elseif string.sub(before, -1) == ',' then
  before = string.sub(before, 1, -2)
end
redis.call('SET', K.rules(), before .. behind)
redis.call('HDEL', K.rule_makers(), rule)
record_act('rule.removed', 'rules', rule)
return 1
