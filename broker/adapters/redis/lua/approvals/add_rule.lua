-- Puts an approval rule ahead of the others, unless the same is there.
-- KEYS[1] workspace root
-- ARGV    rule  JSON, written like those that are kept
--         most  how many there may be
--         by    who makes it
--         group  the one that it names, in lower case, or ''
-- Returns 1 when it was added
-- uses: rules
local kept = redis.call('GET', K.rules()) or '[]'
if string.find(kept, rule, 1, true) then return 0 end
if group ~= '' and redis.call('HEXISTS', K.group_names(), group) == 0 then
  return refuse('NotFound', 'GROUP_NOT_FOUND', 'no such group')
end
if #cjson.decode(kept) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_RULES', most .. ' rules at most; remove some first')
end
record_act('rule.added', 'rules', nil, rule)
redis.call('SET', K.rules(), kept == '[]' and '[' .. rule .. ']' or '[' .. rule .. ',' .. string.sub(kept, 2))
note_rule_maker(rule, by)
return 1
