-- Answers an approval; only the first answer counts.
-- KEYS[1] workspace root
-- ARGV    1 approval id  2 status  3 by  4 note  5 answer JSON for the agent  6 '1' when the deadline answers
-- Returns 1
-- uses: approvals
local ap = fields(K.approval(ARGV[1]), 'agent', 'status', 'by', 'generation', 'deadline_ms')
if not ap.agent then
  redis.call('ZREM', K.pending_approvals(), ARGV[1]) -- no longer kept: its deadline was set beyond that
  return refuse('NotFound', 'APPROVAL_NOT_FOUND', 'no such approval')
end
if ap.status ~= 'pending' then
  return refuse('Conflict', 'APPROVAL_ALREADY_ANSWERED', 'it is already ' .. ap.status .. ' (' .. (ap.by or 'agent') .. ')')
end
if ARGV[6] == '1' and tonumber(ap.deadline_ms) > NOW then return 0 end
local a = load_agent(ap.agent)
resolve_approval(a, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ap.generation == a.generation and ARGV[5] or nil)
return 1
