-- A lead says whether an agent that it spawned may spend as much again, out of what is left of its own budgets. So no
-- agent spends more in all than a person has allowed.
-- KEYS[1] workspace root
-- ARGV    key      of the budget that is spent
--         lead     agent that answers
--         name     its name
--         allowed  '1' for a yes
-- Returns the budget as JSON
-- uses: raises lineage gifts
local of, unit = string.match(key, '^%a+:(%S+) (%a+) ')
local own = not_its_own(lead, of, 'raise the budgets of')
if own then return own end
local text = redis.call('HGET', K.budgets(), key)
local budget = cjson.decode(text or '{}')
local asked = budget.ask and fields(K.approval(budget.ask), 'session', 'name', 'status')
if not asked or asked.status ~= 'pending' or budget.since ~= period_now(budget.period) then
  return refuse('Conflict', 'NOTHING_ASKED', 'nobody asks whether that budget may be raised: it is not spent, or it was answered')
end
-- Why the lead cannot pay for it; nil when it can.
local function cannot_pay()
  local refused, has_own = cannot_give(lead, asked.session, unit, budget.limit)
  if refused or has_own then return refused end
  return refuse('NotPermitted', 'NOT_PERMITTED', 'you have no budget of ' .. unit .. ' yourself that it could come out of: ask a person')
end
local refused = allowed == '1' and cannot_pay()
if refused then return refused end
local id = budget.ask
record_act('approval.answered', 'approval ' .. id, nil, allowed == '1' and 'allowed' or 'denied')
if allowed == '1' then allow_more(key, id) end
resolve_gate(id, asked, allowed == '1' and 'allowed' or 'denied', name, 'out of its own budget')
return redis.call('HGET', K.budgets(), key)
