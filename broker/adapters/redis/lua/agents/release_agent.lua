-- Orders an agent's end.
-- KEYS[1] workspace root
-- ARGV    agent
--         by     who, for the log
--         actor  the agent who asks, '' for people and programs
-- Returns the state after
-- uses: lives lineage
local a = load_agent(agent)
if not a.id then return refuse('NotFound', 'AGENT_NOT_FOUND', 'no such agent') end
local refusal = not_its_own(actor, agent, 'release')
if refusal then return refusal end
release(a, by)
return a.state
