-- Orders an agent's end. It is released when its process is gone, or at once when no proxy could say so.
-- KEYS[1] workspace root
-- ARGV    1 agent id  2 who, for the log  3 the agent who asks, '' for people and programs
-- Returns the state after
-- uses: lives lineage
local agent, by, actor = ARGV[1], ARGV[2], ARGV[3]
local a = load_agent(agent)
if not a.id then return refuse('NotFound', 'AGENT_NOT_FOUND', 'no such agent') end
local refusal = not_its_own(actor, agent, 'release')
if refusal then return refusal end
if has_ended(a) or a.state == 'releasing' then return a.state end
stop(a, 'released by ' .. by)
if not is_online(a.proxy) then
  end_agent(a, 'released', 'released by ' .. by)
  return a.state
end
set_state(a, 'releasing', ',"by":' .. json(by))
wake_at(NOW + STOP_MS, 'stop|' .. a.id)
return a.state
