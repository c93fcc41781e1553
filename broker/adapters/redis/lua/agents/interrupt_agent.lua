-- Stops the running turn.
-- KEYS[1] workspace root
-- ARGV    agent
--         by     who, for the log
--         actor  the agent who asks, '' for people and programs
-- Returns 1 when a turn was running
-- uses: lineage
local refusal = not_its_own(actor, agent, 'interrupt')
if refusal then return refusal end
local a = load_agent(agent)
if a.state ~= 'working' then return 0 end
if is_behind(a.link) then
  return refuse('Unavailable', 'PROXY_BEHIND', 'the machine of ' .. a.name .. ' does not take its commands at the moment')
end
interrupt(a)
append(a.session, 'agent.interrupted', a.id, a.name, object('by', by))
return 1
