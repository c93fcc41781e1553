-- Takes an agent that failed from what needs a person. Whoever looks for it finds it, and it can be brought back.
-- KEYS[1] workspace root
-- ARGV    agent
--         by     who, for the log
--         actor  the agent who asks, '' for people and programs
-- Returns 1, or 0 when it was dismissed before
-- uses: lineage
local a = load_agent(agent)
if not a.id then return refuse('NotFound', 'AGENT_NOT_FOUND', 'no such agent') end
local refusal = not_its_own(actor, agent, 'dismiss')
if refusal then return refusal end
if not has_ended(a) then
  return refuse('Conflict', 'AGENT_RUNS', a.name .. ' has not ended: release it first')
end
if redis.call('HSETNX', K.agent(a.id), 'dismissed', by) == 0 then return 0 end
append(a.session, 'agent.dismissed', a.id, a.name, object('by', by))
return 1
