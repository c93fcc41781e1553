-- The peer has taken over all commands up to a number: messages among them are received, entries are let go.
-- KEYS[1] workspace root
-- ARGV    link
--         fence
--         number
-- Returns 1, or 0 when a newer connection has taken over
-- uses: agents
local l = fields(K.link(link), 'fence', 'acked', 'sent', 'restored', 'heard')
-- Behind `restored` it may speak of commands that the store has lost.
local upto = math.min(tonumber(number), tonumber(l.restored or l.sent or '0'))
if l.fence ~= fence then return 0 end
if upto <= tonumber(l.acked or '0') then return 1 end
local was_behind = is_behind(link)
for _, entry in ipairs(take_off(link, upto)) do note_taken(entry) end
redis.call('HSET', K.link(link), 'heard', hear(link, l.heard))
if was_behind and not is_behind(link) then
  for _, agent in ipairs(redis.call('SMEMBERS', K.link_agents(link))) do
    local a = load_agent(agent)
    if a.id then dispatch(a) end
  end
end
return 1
