-- What failed and nobody has looked at yet, for the list of what needs a person: the newest so many of a workspace. A
-- part of a run is the run's own affair.
local function tell_failures() redis.call('PUBLISH', K.failures_channel(), '1') end

local function note_failure(agent, row)
  if redis.call('HEXISTS', K.agent(agent), 'part') == 1 then return end
  redis.call('ZADD', K.failures(), NOW, row)
  redis.call('ZREMRANGEBYRANK', K.failures(), 0, -T.failures - 1)
  redis.call('EXPIRE', K.failures(), T.failure_kept_s)
  tell_failures()
end

-- `rows`: what somebody has looked at, or what was mended. Returns how many of them were there.
local function drop_failures(rows)
  if #rows == 0 then return 0 end
  local dropped = redis.call('ZREM', K.failures(), unpack(rows))
  if dropped > 0 then tell_failures() end
  return dropped
end

local function failed_agent(a) return 'agent|' .. a.id .. '|' .. a.generation end
