-- Runs that another service is called for. Their record has what is sent, and what each attempt came to.

-- When it is attempted next; workers are woken when that is sooner than anything they know of.
local function deliver_at(due_ms, run)
  local first = redis.call('ZRANGE', K.hook_deliveries(), 0, 0, 'WITHSCORES')
  redis.call('ZADD', K.hook_deliveries(), due_ms, run)
  if not first[2] or due_ms < tonumber(first[2]) then redis.call('PUBLISH', DELIVERY_CHANNEL, ROOT) end
end

local function endpoint_of(hook)
  local text = redis.call('HGET', K.hook_endpoints(), hook)
  return text and cjson.decode(text) or {}
end

local function endpoint_stopped(hook) return endpoint_of(hook).stopped end

-- Milliseconds until the next is due; -1 when there is none.
local function next_delivery()
  local first = redis.call('ZRANGE', K.hook_deliveries(), 0, 0, 'WITHSCORES')
  return first[2] and math.max(0, tonumber(first[2]) - NOW) or -1
end

-- What is said of an attempt, behind those before it. Returns all of them, as JSON.
local function add_attempt(run, said)
  local before = redis.call('HGET', K.hook_run(run), 'attempts')
  local all = before and string.sub(before, 1, -2) .. ',' .. said .. ']' or '[' .. said .. ']'
  redis.call('HSET', K.hook_run(run), 'attempts', all)
  return all
end

-- How far a delivery has come. Returns its data in the log.
local function say_delivery(run, r, state, ...)
  local data = extended(r.about, 'state', state, ...)
  redis.call('HSET', K.hook_run(run), 'state', state, 'at_ms', NOW, 'data', data)
  append(r.session, 'hook.' .. state, filled(r.agent), filled(r.name), data)
end
