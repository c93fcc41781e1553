-- uses: log
-- What runs of workflows ask people. Nobody's process waits for the answer: the run is looked at when it is there.

-- The first answer wins.
local function resolve_gate(id, gate, status, by, note)
  redis.call('HSET', K.approval(id), 'status', status, 'by', by, 'note', note, 'resolved_ms', NOW)
  redis.call('ZREM', K.pending_approvals(), id)
  append(gate.session, 'approval.resolved', nil, gate.name, object('id', id, 'status', status, 'by', by, 'note', note,
    'run', gate.gate))
  return 1
end
