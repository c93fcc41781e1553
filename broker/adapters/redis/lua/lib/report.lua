-- uses: numbered agents
-- Reports about an agent. ARGV[1..4]: see numbered; ARGV[5..6]: agent, generation. An older process is not heard.
local a = load_agent(ARGV[5])
if not a.id or a.generation ~= ARGV[6] or has_ended(a) or (a.proxy ~= link and a.link ~= link) then return 0 end
