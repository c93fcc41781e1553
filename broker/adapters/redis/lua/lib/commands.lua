-- uses: log
-- Commands of workflows' runs. What a machine tells of one is kept with it, where the engine finds it; that there is an
-- end, it hears by the session's log (`command.ended`).
local COMMAND_ENDS = {ended = true, timed_out = true, stopped = true, needs_consent = true, refused = true, failed = true,
  expired = true, interrupted = true}

local function joined(first, second)
  if second == '{}' then return first end
  return string.sub(first, 1, -2) .. ',' .. string.sub(second, 2)
end

-- What the log has of a command: which one it is, then what is told.
local function command_event(id, c, state, told)
  local about = object('command', id, 'run', c.run, 'step', c.step, 'attempt', tonumber(c.attempt), 'kind', c.kind,
    'state', state)
  return joined(about, told)
end

local function load_command(id)
  return fields(K.command(id), 'state', 'session', 'run', 'step', 'attempt', 'kind', 'link', 'patience', 'lasts', 'at_ms')
end

-- The commands of a run's attempts that have ended, as {id, record}; the record is empty once it is no longer kept. How
-- many others are open costs nothing. Of these a few are looked at: one of which nothing is kept never ends, and nobody
-- has noted the end of one that ended under an earlier program.
local LOOKED_AT = 8
local function list_ended(run)
  local found, known = {}, {}
  for _, id in ipairs(redis.call('SMEMBERS', K.workflow_ended(run))) do
    found[#found + 1] = {id, redis.call('HGETALL', K.command(id))}
    known[id] = true
  end
  for _, id in ipairs(redis.call('SRANDMEMBER', K.workflow_commands(run), LOOKED_AT)) do
    local state = redis.call('HGET', K.command(id), 'state')
    if not known[id] and (not state or COMMAND_ENDS[state]) then
      found[#found + 1] = {id, redis.call('HGETALL', K.command(id))}
    end
  end
  return found
end

-- Its run finds the command among those that have ended, where the journal waits for it.
local function note_ended(run, id)
  if redis.call('SISMEMBER', K.workflow_commands(run), id) == 0 then return end
  redis.call('SADD', K.workflow_ended(run), id)
  redis.call('EXPIRE', K.workflow_ended(run), T.workflow_open_s)
end

-- Whether that is news of a command, `c` as `load_command` has it: each state is said once, and none after an end.
local function goes_on(c, state) return c.state and not COMMAND_ENDS[c.state] and c.state ~= state end

-- What that news leads to; `shown` is JSON that only the log has.
local function advance(id, c, state, told, shown)
  redis.call('HSET', K.command(id), 'state', state, 'at_ms', NOW, 'told', told)
  redis.call('EXPIRE', K.command(id), T.command_kept_s)
  redis.call('SREM', K.link_commands(c.link), id)
  local kind = COMMAND_ENDS[state] and 'command.ended' or 'command.started'
  append(c.session, kind, nil, nil, command_event(id, c, state, joined(told, shown or '{}')))
  if COMMAND_ENDS[state] then
    note_ended(c.run, id)
    forget_timer('command|' .. id)
  else
    wake_at(NOW + tonumber(c.patience), 'command|' .. id)
  end
end

-- How far a command has come, said once for each step. Returns 1, or 0 when it had come so far before.
local function advance_command(id, state, told)
  local c = load_command(id)
  if not goes_on(c, state) then return 0 end
  advance(id, c, state, told)
  return 1
end

-- Nobody has told an end: gives it up, or looks again later.
local function look_at_command(id)
  local c = load_command(id)
  if not c.state or COMMAND_ENDS[c.state] then return end
  if c.state == 'ordered' then
    return advance_command(id, 'expired', object('reason', 'the machine did not take it in time'))
  end
  local l = fields(K.link(c.link), 'online', 'since')
  local since, patience = tonumber(l.since or '0'), tonumber(c.patience)
  -- What a machine that was away has done is told once it is back.
  local until_ms = since + patience
  if l.online == '1' then
    local ends = c.lasts == '' and math.huge or tonumber(c.at_ms) + tonumber(c.lasts)
    until_ms = math.max(ends, since) + T.command_margin_ms
  end
  if NOW >= until_ms then
    local why = l.online == '1' and 'the machine has not said how it ended' or 'its machine went away and did not come back'
    return advance_command(id, 'interrupted', object('reason', why))
  end
  redis.call('EXPIRE', K.command(id), T.command_kept_s)
  wake_at(math.min(until_ms, NOW + math.max(patience, T.command_margin_ms)), 'command|' .. id)
end
