-- uses: audit
-- Approval rules: a JSON list, whose members are written as they are looked for; beside it, who made which.
local function note_rule_maker(rule, by)
  redis.call('HSET', K.rule_makers(), rule, object('by', by, 'at_ms', NOW))
end

-- A refusal where a rule names a group: without it nobody could meet the rule.
local function check_unnamed(group)
  for _, rule in ipairs(cjson.decode(redis.call('GET', K.rules()) or '[]')) do
    if rule.group == group then
      return refuse('Conflict', 'GROUP_IN_RULE', 'a rule requires people of the group ' .. group .. ': remove the rule first')
    end
  end
  return nil
end

local function listed(rules) return '[' .. table.concat(rules, ',') .. ']' end
