-- The budgets that an agent is paid from, as they stand.
-- KEYS[1] workspace root
-- ARGV    agent
-- Returns its key and the budget as JSON, one after the other
-- uses: agents
local found, a = {}, load_agent(agent)
if not a.id or redis.call('EXISTS', K.budgets()) == 0 then return found end
for _, row in ipairs(budgets_of(a, UNITS)) do
  found[#found + 1] = row[1]
  found[#found + 1] = cjson.encode(row[2])
end
return found
