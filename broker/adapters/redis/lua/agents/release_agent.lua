-- Orders an agent's end.
-- KEYS[1] workspace root
-- ARGV    1 agent id  2 who, for the log  3 the agent who asks, '' for people and programs
-- Returns the state after
-- uses: lives lineage
local agent, by, actor = ARGV[1], ARGV[2], ARGV[3]
local a = load_agent(agent)
if not a.id then return refuse('NotFound', 'AGENT_NOT_FOUND', 'no such agent') end
local refusal = not_its_own(actor, agent, 'release')
if refusal then return refusal end
release(a, by)
return a.state
