-- uses: log budget_ends
-- Runs of workflows: a record, and a journal that is only ever written behind its last entry.
local OVER = {completed = true, completed_early = true, failed = true, cancelled = true}

local function keep_run(run, definition, seconds)
  for _, key in ipairs({K.workflow_run(run), K.workflow_journal(run), K.workflow_outputs(run),
    K.workflow_definition(definition)}) do
    if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
  end
end

-- Entries behind the last one. `entries`: a list of JSON texts; `length`: how many there are, where that is known.
local function write_entries(run, entries, length)
  length = length or tonumber(redis.call('HGET', K.workflow_run(run), 'entries') or '0')
  for i, entry in ipairs(entries) do
    redis.call('XADD', K.workflow_journal(run), (length + i) .. '-0', 'e', entry)
  end
  redis.call('HSET', K.workflow_run(run), 'entries', length + #entries, 'changed', NOW)
end

-- What entries name. Beyond the limit of a run nothing more is kept: the log has it.
local function write_outputs(run, outputs)
  for name, text in pairs(outputs) do
    local kept = tonumber(redis.call('HGET', K.workflow_run(run), 'bytes') or '0')
    if kept + #text <= T.workflow_outputs_bytes and redis.call('HSETNX', K.workflow_outputs(run), name, text) == 1 then
      redis.call('HINCRBY', K.workflow_run(run), 'bytes', #text)
    end
  end
end

-- Lets go of a run that was looked at. `due_ms`: '' for when something happens to it; `held`: why nothing is done
-- meanwhile; `holder`: the worker that has it in mind, '' for none.
local function settle_run(run, due_ms, held, holder)
  local key = K.workflow_run(run)
  local again = redis.call('HGET', key, 'again')
  redis.call('HDEL', key, 'leased', 'again')
  redis.call('HSET', key, 'held', held, 'holder', holder)
  if again then
    look_at_run_at(run, NOW)
  elseif due_ms ~= '' then
    look_at_run_at(run, tonumber(due_ms))
  else
    redis.call('ZREM', K.workflow_due(), run)
  end
end

-- Events as a caller gives them, {kind, agent or '', name or '', data}, for `append_groups`.
local function groups_of(events)
  for i, event in ipairs(events) do events[i] = {event[1], filled(event[2]), filled(event[3]), {event[4]}} end
  return events
end

-- Whether a run hears of all that happens in its session.
local function listen_to_session(run, session, listens, is_known)
  if listens == is_known then return end
  redis.call(listens == '1' and 'SADD' or 'SREM', K.session_listeners(session), run)
  redis.call('HSET', K.workflow_run(run), 'listens', listens)
end

-- A run ends, or goes on again: `state` as the engine has it.
local function set_run_state(run, session, definition, state, reason)
  redis.call('HSET', K.workflow_run(run), 'state', state, 'reason', reason)
  if OVER[state] then
    redis.call('SREM', K.session_runs(session), run)
    redis.call('SREM', K.session_listeners(session), run)
    redis.call('HSET', K.workflow_run(run), 'listens', '')
    redis.call('ZREM', K.workflow_due(), run)
    redis.call('SREM', K.workflow_open(), run)
    redis.call('DEL', K.workflow_commands(run), K.workflow_ended(run))
    end_budgets_of_run(run)
    for _, key in ipairs({K.workflow_run(run), K.workflow_journal(run), K.workflow_outputs(run)}) do
      redis.call('EXPIRE', key, T.workflow_kept_s)
    end
  else
    redis.call('SADD', K.session_runs(session), run)
    redis.call('SADD', K.workflow_open(), run)
    keep_run(run, definition, T.workflow_open_s)
  end
end
