-- A run of a workflow asks no more.
-- KEYS[1] workspace root
-- ARGV    id
--         why
-- Returns 1, or 0 when it was answered, or never asked
-- uses: gates
local gate = fields(K.approval(id), 'gate', 'session', 'name', 'status')
if not gate.gate or gate.status ~= 'pending' then return 0 end
return resolve_gate(id, gate, 'withdrawn', 'relay', why)
