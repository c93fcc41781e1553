-- Stops the running turn.
-- KEYS[1] workspace root
-- ARGV    1 agent id  2 who, for the log  3 the agent who asks, '' for people and programs
-- Returns 1 when a turn was running
-- uses: lineage
local agent, by, actor = ARGV[1], ARGV[2], ARGV[3]
local refusal = not_its_own(actor, agent, 'interrupt')
if refusal then return refusal end
local a = load_agent(agent)
if a.state ~= 'working' then return 0 end
if is_behind(a.link) then
  return refuse('Unavailable', 'PROXY_BEHIND', 'the machine of ' .. a.name .. ' does not take its commands at the moment')
end
interrupt(a)
append(a.session, 'agent.interrupted', a.id, a.name, '{"by":' .. json(by) .. '}')
return 1
