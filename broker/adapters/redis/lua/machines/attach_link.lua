-- A proxy (or a directly dialling agent) is here: fences the connection before it, takes over what it has running, and
-- orders what it should have but has not.
-- KEYS[1] workspace root
-- ARGV    link
--         machine
--         new_epoch     for a new mailbox
--         boot
--         spool
--         known_epoch   which the peer knows, or ''
--         seen          last command that the peer has seen
--         hello         JSON for the registry
--         session
--         name
--         guards        version of the hooks that agents wait for there, 0 for none; '' where it knows of no such
--         processes...  pairs of agent, generation
-- Returns {fence, epoch, last report seen of this spool, last command acknowledged, now,
--   1 when this is another process of relay-connect than before}
-- uses: history lives links stops guards
local key = K.link(link)
local running = {}
for i = 1, #processes, 2 do running[processes[i]] = tonumber(processes[i + 1]) end
-- An agent that dials in itself is carried by a link of its own; its process stays its proxy's business. One that its
-- proxy drives cannot take itself out of that.
for agent in pairs(running) do
  if link == 'direct:' .. agent and redis.call('HGET', K.agent(agent), 'transport') ~= 'sdk-url' then
    return refuse('NotPermitted', 'NOT_PERMITTED', 'this agent is driven by its machine; it does not connect itself')
  end
end

if redis.call('HEXISTS', key, 'orphaned') == 1 then
  return refuse('NotPermitted', 'OWNER_REMOVED', 'the owner of this machine was removed; an admin may adopt it')
end
local l = fields(key, 'epoch', 'boot', 'spool', 'reports', 'acked', 'sent', 'restored')
-- A peer that has seen more than was ever sent: the store has lost its last seconds, or was restored from a backup, when
-- numbers may have been given again already. They start a new life, or the peer would take commands for ones it knows.
local forgot = known_epoch == l.epoch and tonumber(seen) > tonumber(l.restored or l.sent or '0')
local epoch = (not forgot and l.epoch) or new_epoch
-- Another process under the machine id of one that is here: its state folder was copied, or it was restarted and its
-- old connection is not known to be dead. The one that is here is asked for a sign of life, and only one that gives
-- none is taken over: a copy never ends the first. Of a boot id `line.number` the lower numbers are known to be dead.
local function is_dead(other)
  local line, number = string.match(boot, '^(.+)%.(%d+)$')
  local its_line, its_number = string.match(other or '', '^(.+)%.(%d+)$')
  return line ~= nil and line == its_line and tonumber(its_number) < tonumber(number)
end
local here = fields(key, 'online', 'heard', 'boot', 'challenged')
if here.online == '1' and here.boot ~= boot and not is_dead(here.boot) and string.sub(link, 1, 7) ~= 'direct:' then
  local asked = tonumber(here.challenged or '0')
  if asked <= tonumber(here.heard) then
    asked = NOW
    redis.call('HSET', key, 'challenged', NOW, 'heard', math.min(tonumber(here.heard), NOW - 1))
    command(link, 'probe', 'agent', '', 'generation', 0)
  end
  if NOW - asked < T.elsewhere_ms then
    return refuse('Conflict', 'ELSEWHERE', 'this machine id is connected from elsewhere')
  end
end
local fence = redis.call('HINCRBY', key, 'fence', 1)
-- Another relay-connect may not tell its load: what the one before told is not passed off as of now.
redis.call('HDEL', key, 'restored', 'load', 'load_at')
redis.call('HSET', key, 'id', link, 'machine', machine, 'epoch', epoch, 'boot', boot, 'online', 1, 'since', NOW, 'heard', NOW,
  'hello', hello, 'session', session, 'name', name, 'history', store_history() or '')
lease(link, fence)
redis.call('PUBLISH', K.link_channel(link), '!fence:' .. fence)
forget_timer('away|' .. link)
forget_timer('unused|' .. link)

-- Commands to the processes of an earlier boot are moot: those processes are gone, and are ordered anew below. After the
-- store has forgotten something all come again, as each acts once, but for an interrupt: it may be another turn by now.
local fresh_boot = l.boot and l.boot ~= boot
local acked = tonumber(l.acked or '0')
if fresh_boot or forgot then acked = tonumber(l.sent or '0') elseif known_epoch == epoch then acked = math.max(acked, tonumber(seen)) end
local lasting = {}
for _, entry in ipairs(take_off(link, acked)) do
  if not (fresh_boot or forgot) then
    note_taken(entry)
  elseif is_for_machine(entry) or not fresh_boot and not string.find(entry[2][2], '^{"type":"interrupt"') then
    lasting[#lasting + 1] = entry[2][2]
  end
end
for _, text in ipairs(lasting) do post(link, text) end
-- Ahead of all that its agents are told: none of them acts without its hooks.
if guards ~= '' then
  redis.call('HSET', key, 'guards', 1)
  if guards ~= '0' or has_guards() then post(link, guards_text()) end
else
  redis.call('HDEL', key, 'guards')
end

for agent in pairs(running) do
  local a = load_agent(agent)
  if link == 'direct:' .. agent and a.id and not has_ended(a) then
    redis.call('HSET', K.agent(agent), 'link', link)
    redis.call('SADD', K.link_agents(link), agent)
  end
end
local mine = {}
for _, agent in ipairs(redis.call('SMEMBERS', K.link_agents(link))) do mine[agent] = true end
take_back(link, mine)
for agent, generation in pairs(running) do
  local a = mine[agent] and load_agent(agent)
  local is_over = not a or not a.id or has_ended(a) or tonumber(a.generation) > generation
  if is_over and not is_behind(link) then -- else at a later connection, once it has taken what waits
    command(link, 'stop', 'agent', agent, 'generation', generation, 'reason', 'superseded')
  end
end
for agent in pairs(mine) do
  local a = load_agent(agent)
  if not a.id then
    redis.call('SREM', K.link_agents(link), agent)
  elseif fresh_boot and a.state == 'releasing' then
    end_agent(a, 'released', 'its relay-connect was restarted')
  elseif fresh_boot and not has_ended(a) and running[agent] ~= tonumber(a.generation) then
    restart(a, 'relay_connect_restarted', true)
  elseif not has_ended(a) and (running[agent] or 0) > tonumber(a.generation) then
    -- That its process was replaced is lost with the store's last seconds, and so is what the new one had in flight.
    a.generation = running[agent]
    redis.call('HSET', K.agent(agent), 'generation', a.generation)
    restart(a, 'reports_lost', true)
  elseif a.state == 'lost' or a.state == 'deaf' then
    back_to_work(a)
  end
  -- What told it to stop its turn was lost with the store's last seconds.
  if forgot and a.id and not has_ended(a) and a.turn ~= '' and stop_over(a.session, a.proxy) then interrupt(a) end
  if a.id then dispatch(a) end
end
local reports = l.spool == spool and l.reports or 0
redis.call('HSET', key, 'spool', spool, 'reports', reports)
if session ~= '' then
  append(session, 'proxy.connected', nil, nil, object('proxy', link, 'machine', name))
end
return {fence, epoch, tonumber(reports), acked, NOW, l.boot ~= boot and 1 or 0}
