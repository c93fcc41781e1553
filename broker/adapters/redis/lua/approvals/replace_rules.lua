-- Replaces a workspace's approval rules. One that was there stays its maker's.
-- KEYS[1] workspace root
-- ARGV    by        who does it
--         rules...  each as JSON, written like those that are kept
-- Returns 1
-- uses: rules
local before, after = redis.call('GET', K.rules()), listed(rules)
if before == after then return 1 end
record_act('rule.all_replaced', 'rules', before, after)
redis.call('SET', K.rules(), after)
local stays = {}
for _, rule in ipairs(rules) do
  stays[rule] = true
  if not (before and string.find(before, rule, 1, true)) then note_rule_maker(rule, by) end
end
for _, rule in ipairs(redis.call('HKEYS', K.rule_makers())) do
  if not stays[rule] then redis.call('HDEL', K.rule_makers(), rule) end
end
return 1
