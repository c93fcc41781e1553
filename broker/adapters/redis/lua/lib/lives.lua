-- uses: agents access_changes plans budget_ends
-- How an agent's process, and an agent, ends and begins anew; and what a link leaves behind.
local DAY_S = 86400

-- Ends an approval whose process is over. One that was answered is withdrawn, too, while the process had not taken the
-- answer: nobody is to believe that it was carried out.
local function withdraw_approval(a, id)
  local key = K.approval(id)
  local was, by = unpack(redis.call('HMGET', key, 'status', 'by'))
  local told = 'nothing: its process ended'
  if was and was ~= 'pending' then told = told .. ' before it heard that it is ' .. was end
  if was then
    redis.call('HSET', key, 'status', 'withdrawn', 'told', told, 'resolved_ms', NOW)
    redis.call('HDEL', key, 'given', 'option', 'answers')
  end
  redis.call('ZREM', K.pending_approvals(), id)
  forget_timer('approval|' .. id)
  append(a.session, 'approval.resolved', a.id, a.name, object('id', id, 'status', 'withdrawn', 'by', by or nil,
    'told', told))
end

local function withdraw_approvals(a)
  for _, id in ipairs(redis.call('HVALS', K.asks(a.id))) do withdraw_approval(a, id) end
  for _, id in ipairs(redis.call('SMEMBERS', K.answering(a.id))) do withdraw_approval(a, id) end
  redis.call('DEL', K.asks(a.id), K.answering(a.id))
  redis.call('HSET', K.agent(a.id), 'waiting', 0)
end

-- An ended agent is in no channel; one that is brought back is in its own again.
local function leave_channels(a)
  for _, channel in ipairs(redis.call('SMEMBERS', K.agent_channels(a.id))) do
    redis.call('SREM', K.channel(a.session, channel), a.id)
  end
  redis.call('EXPIRE', K.agent_channels(a.id), T.ended_agent_kept_s + DAY_S)
end

-- Nothing of a link is left.
local function forget_link(link)
  redis.call('DEL', K.link(link), K.outbox(link), K.link_commands(link), K.link_agents(link))
  redis.call('HDEL', K.leases(), link)
  forget_timer('away|' .. link)
  forget_timer('unused|' .. link)
end

-- The same of a machine's.
local function forget_machine(proxy, machine)
  redis.call('HDEL', K.proxies(), machine)
  redis.call('HDEL', K.proxy_owners(), machine)
  redis.call('HDEL', K.stops(), 'machine:' .. proxy)
  forget_link(proxy)
end

-- The token of a process that is over ends with it, and so does what it had open.
local function end_token(a) tell_access_changed({tokens = {a.id .. '.' .. a.generation}}) end

-- What was waited for of a process that is over.
local function forget_process_timers(a)
  local of = '|' .. a.id .. '|' .. a.generation
  for _, message in ipairs(redis.call('LRANGE', K.inflight(a.id), 0, -1)) do forget_timer('proof' .. of .. '|' .. message) end
  forget_timer('interrupt' .. of .. '|' .. (a.turn or ''))
  forget_timer('spawn' .. of)
  forget_timer('restart' .. of)
  forget_timer('stop|' .. a.id)
end

-- `because`: why its messages do not arrive, when it is not just that it has ended.
local function end_agent(a, state, reason, detail, because)
  if has_ended(a) then return end
  end_token(a)
  forget_process_timers(a)
  for _, message in ipairs(redis.call('LRANGE', K.inflight(a.id), 0, -1)) do
    undeliverable(message, a.id, because or 'agent_' .. state)
  end
  for _, message in ipairs(redis.call('ZRANGE', K.queue(a.id), 0, -1)) do
    undeliverable(message, a.id, because or 'agent_' .. state)
  end
  redis.call('DEL', K.inflight(a.id), K.queue(a.id), K.settled(a.id), K.seen_frames(a.id), K.granted(a.id))
  withdraw_approvals(a)
  redis.call('HDEL', K.names(a.session), string.lower(a.name))
  redis.call('SREM', K.session_live(a.session), a.id)
  redis.call('SREM', K.live(), a.id)
  redis.call('SREM', K.link_agents(a.proxy), a.id)
  leave_channels(a)
  if a.link ~= a.proxy then forget_link(a.link) end
  redis.call('HSET', K.agent(a.id), 'reason', reason or '', 'detail', detail or '', 'ended', NOW)
  count_time(a.id)
  append(a.session, 'agent.' .. state, a.id, a.name, object('reason', reason, 'detail', detail))
  set_state(a, state, 'reason', reason)
  if state == 'failed' then note_failure(a.id, failed_agent(a)) end
  redis.call('EXPIRE', K.agent(a.id), T.ended_agent_kept_s + DAY_S)
  wake_at(NOW + T.ended_agent_kept_s * 1000, 'forget|' .. a.id .. '|' .. a.session)
end

-- Nothing of an agent is left.
local function forget_agent(agent, session)
  redis.call('DEL', K.agent(agent), K.queue(agent), K.inflight(agent), K.inbox(agent), K.settled(agent), K.asks(agent),
    K.answering(agent), K.granted(agent), K.seen_frames(agent), K.agent_channels(agent), K.agent_pauses(agent))
  redis.call('ZREM', K.members(session), agent)
  drop_budgets_of(agent)
  forget_timer('forget|' .. agent .. '|' .. session)
end

-- Where it began is where it goes on: a conversation belongs to its folder, and relay-connect may be started elsewhere.
-- Vendors keep no conversation in which nothing was said, and fail to resume it: such an agent begins a new one.
local function spawn(a)
  local resume = not a.blank and a.native or nil
  local session_name = redis.call('HGET', K.session(a.session), 'name') or nil
  -- Of a time when who asks was not kept, or whose machine has another owner since: nobody in particular.
  local asked_by = a.asked_by or object('kind', 'program', 'name', 'relaycast', 'session', a.session)
  command(a.proxy, 'spawn', 'agent', a.id, 'generation', tonumber(a.generation), 'name', a.name, 'session', a.session,
    'session_name', session_name,
    'cli', a.cli, 'cwd', a.cwd_real or a.cwd, 'instructions', a.instructions, 'resume', resume, 'model', a.model,
    'asked_by', raw(asked_by), 'worktree', a.worktree == '1',
    'readonly', a.readonly == '1',
    'asks_writes', a.writes ~= nil)
end

local function stop(a, reason)
  command(a.proxy, 'stop', 'agent', a.id, 'generation', tonumber(a.generation), 'reason', reason)
end

-- Orders an agent's end. It is released when its process is gone, or at once when no proxy could say so.
local function release(a, by)
  if has_ended(a) or a.state == 'releasing' then return end
  stop(a, 'released by ' .. by)
  if not is_online(a.proxy) then return end_agent(a, 'released', 'released by ' .. by) end
  set_state(a, 'releasing', 'by', by)
  wake_at(NOW + T.stop_ms, 'stop|' .. a.id)
end

-- Orders the process of the agent's present generation.
local function order_process(a)
  spawn(a)
  wake_at(NOW + T.start_deadline_ms, 'spawn|' .. a.id .. '|' .. a.generation)
end

-- A new process of the same conversation. One that died is given a pause, longer each time. What was in flight goes back to the head of the queue.
-- `blameless`: the process did not die by itself, so this does not count towards giving up.
local function restart(a, reason, blameless)
  local since = tonumber(a.restarts_since or '0')
  local count = (math.abs(NOW - since) > T.restart_window_ms) and 0 or tonumber(a.restarts or '0')
  if count == 0 then since = NOW end
  if count >= T.restarts and not blameless then
    stop(a, reason)
    end_agent(a, 'failed', reason, count .. ' restarts within ten minutes did not help')
    return
  end
  withdraw_approvals(a)
  forget_process_timers(a)
  for _, message in ipairs(redis.call('LRANGE', K.inflight(a.id), 0, -1)) do
    if rewind(message, a.id) then
      redis.call('ZADD', K.queue(a.id), redis.call('HGET', K.message(message), 'i:' .. a.id) - 1e12, message)
    else
      report_gone(a, message)
    end
  end
  redis.call('DEL', K.inflight(a.id), K.seen_frames(a.id))
  end_token(a)
  a.generation = redis.call('HINCRBY', K.agent(a.id), 'generation', 1)
  if a.link ~= a.proxy then redis.call('SREM', K.link_agents(a.link), a.id) end
  a.link = a.proxy
  redis.call('HSET', K.agent(a.id), 'restarts', blameless and count or count + 1, 'restarts_since', since, 'turn', '', 'link', a.proxy)
  append(a.session, 'agent.restarting', a.id, a.name, object('generation', tonumber(a.generation), 'reason', reason))
  set_state(a, 'starting')
  if blameless then return order_process(a) end
  wake_at(NOW + T.restart_pause_ms * 4 ^ count, 'restart|' .. a.id .. '|' .. a.generation)
end
