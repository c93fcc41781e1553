-- uses: audit
-- Approval rules: a JSON list, whose members are written as they are looked for; beside it, who made which.
local function note_rule_maker(rule, by)
  redis.call('HSET', K.rule_makers(), rule, object('by', by, 'at_ms', NOW))
end

local function listed(rules) return '[' .. table.concat(rules, ',') .. ']' end
