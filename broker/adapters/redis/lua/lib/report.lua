-- uses: numbered agents
-- Reports about an agent. An older process is not heard.
-- ARGV    agent
--         generation
local a = load_agent(agent)
if not a.id or a.generation ~= generation or has_ended(a) or (a.proxy ~= link and a.link ~= link) then return 0 end
