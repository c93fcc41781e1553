-- A proxy (or a directly dialling agent) is here: fences the connection before it, takes over what it has running, and
-- orders what it should have but has not.
-- KEYS[1] workspace root
-- ARGV    1 link  2 gateway  3 epoch to use for a new mailbox  4 boot id  5 spool id  6 epoch the peer knows or ''
--         7 last command the peer has seen  8 hello JSON for the registry  9 session  10 name  then pairs agent, generation
-- Returns {fence, epoch, last report seen of this spool, last command acknowledged}
-- uses: agents
local link = ARGV[1]
local key = K.link(link)
local l = fields(key, 'epoch', 'boot', 'spool', 'reports', 'acked', 'sent')
-- A peer that has seen more than was ever sent: the store has lost its last seconds. Numbers start a new life, or the
-- peer would take the next commands for ones it knows.
local forgot = ARGV[6] == l.epoch and tonumber(ARGV[7]) > tonumber(l.sent or '0')
local epoch = (not forgot and l.epoch) or ARGV[3]
local fence = redis.call('HINCRBY', key, 'fence', 1)
redis.call('HSET', key, 'id', link, 'epoch', epoch, 'boot', ARGV[4], 'gateway', ARGV[2], 'online', 1, 'since', NOW, 'heard', NOW,
  'hello', ARGV[8], 'session', ARGV[9], 'name', ARGV[10])
redis.call('PUBLISH', K.link_channel(link), '!fence:' .. fence)
forget_timer('away|' .. link)

-- Commands to the processes of an earlier boot are moot: those processes are gone, and are ordered anew below.
local fresh_boot = l.boot and l.boot ~= ARGV[4]
local acked = tonumber(l.acked or '0')
if fresh_boot or forgot then acked = tonumber(l.sent or '0') elseif ARGV[6] == epoch then acked = math.max(acked, tonumber(ARGV[7])) end
redis.call('XTRIM', K.outbox(link), 'MINID', (acked + 1) .. '-0')
redis.call('HSET', key, 'acked', acked)

local running = {}
for i = 11, #ARGV, 2 do running[ARGV[i]] = tonumber(ARGV[i + 1]) end
-- An agent that dials in itself is carried by a link of its own; its process stays its proxy's business.
for agent in pairs(running) do
  local a = load_agent(agent)
  if link == 'direct:' .. agent and a.id and not has_ended(a) then
    redis.call('HSET', K.agent(agent), 'link', link)
    redis.call('SADD', K.link_agents(link), agent)
  end
end
local mine = {}
for _, agent in ipairs(redis.call('SMEMBERS', K.link_agents(link))) do mine[agent] = true end
for agent, generation in pairs(running) do
  local a = mine[agent] and load_agent(agent)
  if not a or has_ended(a) or tonumber(a.generation) > generation then
    command(link, '{"type":"stop","agent":' .. json(agent) .. ',"generation":' .. generation .. ',"reason":"superseded"}')
  end
end
for agent in pairs(mine) do
  local a = load_agent(agent)
  if fresh_boot and a.state == 'releasing' then
    end_agent(a, 'released', 'its relay-connect was restarted')
  elseif fresh_boot and not has_ended(a) and running[agent] ~= tonumber(a.generation) then
    restart(a, 'relay_connect_restarted', true)
  elseif a.state == 'lost' or a.state == 'deaf' then
    back_to_work(a)
  end
  dispatch(a)
end
local reports = l.spool == ARGV[5] and l.reports or 0
redis.call('HSET', key, 'spool', ARGV[5], 'reports', reports)
if ARGV[9] ~= '' then
  append(ARGV[9], 'proxy.connected', nil, nil, '{"proxy":"' .. link .. '","machine":' .. json(ARGV[10]) .. '}')
end
return {fence, epoch, tonumber(reports), acked}
