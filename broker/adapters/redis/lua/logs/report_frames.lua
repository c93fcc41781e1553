-- Native frames of one agent for the log: reports with consecutive numbers, applied together. Those applied before are
-- left out, and none is passed over. An older connection is not heard. What an older process said, or one of an agent
-- that has ended, happened all the same: it belongs in the log, late as it is.
-- KEYS[1] workspace root
-- ARGV    link
--         fence
--         spool
--         first        number of the first
--         agent
--         generation
--         reported...  for each its data JSON, its own id or '', and JSON of what was spent or '': a frame with a known
--                      id is not logged again
-- Returns how many were logged
-- uses: agents
local FRAMES = 4096 -- an old Claude Code sends its last 1000 again after every reconnect
first = tonumber(first)
local l = fields(K.link(link), 'fence', 'spool', 'reports')
if l.fence ~= fence then return refuse('Fenced', 'FENCED', 'a newer connection has taken over') end
local seen = l.spool == spool and tonumber(l.reports or '0') or 0
local last = first + #reported / 3 - 1
if last <= seen then return 0 end
if first > seen + 1 then return refuse('Conflict', 'REPORT_GAP', 'report ' .. first .. ' came after ' .. seen) end
local a = load_agent(agent)
local full = a.id and backlog_full(a.session)
if full then return full end
redis.call('HSET', K.link(link), 'spool', spool, 'reports', last, 'heard', NOW)
if not a.id or tonumber(a.generation) < tonumber(generation) or (a.proxy ~= link and a.link ~= link) then return 0 end
local function is_new(id)
  if id == '' or has_ended(a) then return true end
  local added = redis.call('ZADD', K.seen_frames(a.id), 'NX', NOW, id)
  redis.call('ZREMRANGEBYRANK', K.seen_frames(a.id), 0, -FRAMES - 1)
  redis.call('EXPIRE', K.seen_frames(a.id), 86400)
  return added == 1
end
local frames = {}
for i = 1 + 3 * math.max(0, seen + 1 - first), #reported, 3 do
  if is_new(reported[i + 1]) then
    frames[#frames + 1] = reported[i]
    if reported[i + 2] ~= '' then spend_reported(a, reported[i + 2]) end
  end
end
append_all(a.session, 'agent.frame', a.id, a.name, frames)
return #frames
