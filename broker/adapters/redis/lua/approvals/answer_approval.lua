-- Answers an approval or a question; only the first answer counts. Where rules require several people, a yes of one of
-- them is kept, and the one that completes them answers; a no answers alone.
-- KEYS[1] workspace root
-- ARGV    id
--         status
--         by
--         note
--         answer       JSON for the agent
--         at_deadline  '1' when the deadline answers
--         lasting      '1' when the same is to be allowed for as long as the agent lives, and they may allow it
--         told         what the agent is told, in words
--         option       the one that was chosen, or ''
--         answers      a question's, JSON, for readers; or ''
--         token        that answers for good, or ''
--         member       the same, or ''
--         assenting    JSON of a yes, else '': `rules_seen`, SHA-1 of the rules that it was measured by; `required` by
--                      those: a list of `of`, `name`, `folded`, `count`, `by`, and `words` for each number of people
--                      that may be missing; `signer`, the member who says it themselves, or ''; `alone` where it is to
--                      something else than was asked for: what others said does not count
-- Returns 1; 2 when the yes is kept and others are missing
-- uses: approvals grants raises assents
local ap = fields(K.approval(id), 'agent', 'status', 'by', 'generation', 'deadline_ms', 'likeness', 'gate', 'session', 'name', 'budget',
  'assents')
local function record_answer()
  if at_deadline ~= '1' then record_act('approval.answered', 'approval ' .. id, nil, status .. (lasting == '1' and ' for good' or '')) end
end
-- As a rule of now has it; what is returned, where it is not nil, is the script's answer.
local function ask_for_others()
  if assenting == '' then return nil end
  local yes = cjson.decode(assenting)
  if yes.rules_seen ~= redis.sha1hex(redis.call('GET', K.rules()) or '') then
    return refuse('Conflict', 'RULES_CHANGED', 'the rules have just changed: answer it again')
  end
  if #yes.required == 0 then return nil end
  local answered, names = assent(id, ap, yes.required, yes.signer, by, yes.alone)
  by = names
  return answered
end
local of_nobody = ap.gate or ap.budget
if of_nobody and ap.status == 'pending' then
  local others = ask_for_others()
  if others then return others end
  record_answer()
  if ap.budget and status == 'allowed' then allow_more(ap.budget, id) end
  return resolve_gate(id, ap, status, by, note)
end
local a = not of_nobody and ap.agent and load_agent(ap.agent)
if not of_nobody and (not a or not a.id) then
  redis.call('ZREM', K.pending_approvals(), id) -- no longer kept: its deadline was set beyond that
  forget_timer('approval|' .. id)
  return refuse('NotFound', 'APPROVAL_NOT_FOUND', 'no such approval')
end
if ap.status == 'withdrawn' then
  return refuse('Conflict', 'APPROVAL_GONE', 'nobody waits for the answer any more: the turn or the process that asked has ended')
end
if ap.status ~= 'pending' then
  return refuse('Conflict', 'APPROVAL_ALREADY_ANSWERED', 'it is already ' .. ap.status .. ' (' .. (ap.by or 'agent') .. ')')
end
if at_deadline == '1' and tonumber(ap.deadline_ms) > NOW then return 0 end
local asks_still = ap.generation == a.generation and not has_ended(a)
if not asks_still and at_deadline ~= '1' then
  return refuse('Conflict', 'APPROVAL_GONE', 'the process that asked is gone: nobody would hear the answer')
end
local others = ask_for_others()
if others then return others end
if lasting == '1' then grant(a.id, ap.likeness or '', by, token, member) end
record_answer()
resolve_approval(a, id, status, by, note, asks_still and answer or nil, asks_still and told or '', option, answers)
return 1
