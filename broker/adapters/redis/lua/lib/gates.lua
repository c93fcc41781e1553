-- uses: log
-- What runs of workflows and budgets ask people. No agent's process waits for the answer: a run is looked at when it is
-- there, and a budget is raised.

-- The first answer wins.
local function resolve_gate(id, gate, status, by, note)
  redis.call('HSET', K.approval(id), 'status', status, 'by', by, 'note', note, 'resolved_ms', NOW)
  redis.call('ZREM', K.pending_approvals(), id)
  forget_timer('approval|' .. id)
  append(gate.session, 'approval.resolved', nil, gate.name, object('id', id, 'status', status, 'by', by, 'note', note,
    'run', gate.gate))
  return 1
end

-- A budget was changed or removed: nobody need say whether more may be spent.
local function withdraw_question(budget)
  local id = budget.ask
  if not id then return end
  budget.ask = nil
  local asked = fields(K.approval(id), 'session', 'name', 'status')
  if asked.status == 'pending' then resolve_gate(id, asked, 'withdrawn', 'relay', 'the budget was changed') end
end
