-- uses: agents ordered
-- Reports from a proxy. ARGV[1..4]: link, fence, spool, number; ARGV[5..6]: agent, generation.
-- An older process is not heard.
local link = ARGV[1]
local refused = not_next()
if refused then return refused end
local a = load_agent(ARGV[5])
if not a.id or a.generation ~= ARGV[6] or has_ended(a) or (a.proxy ~= link and a.link ~= link) then return 0 end
