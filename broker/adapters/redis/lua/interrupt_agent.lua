-- Stops the running turn.
-- KEYS[1] workspace root
-- ARGV    1 agent id  2 who, for the log
-- Returns 1 when a turn was running
-- uses: agents
local a = load_agent(ARGV[1])
if a.state ~= 'working' then return 0 end
interrupt(a)
append(a.session, 'agent.interrupted', a.id, a.name, '{"by":' .. json(ARGV[2]) .. '}')
return 1
