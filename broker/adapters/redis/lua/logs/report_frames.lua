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
--         said         the last line that the agent said in them, or ''
--         call         id of a use of a tool that they begin, or ''
--         doing        that use, in words
--         over         JSON list of ids of uses that are over
--         ids          JSON list of the frames' own ids, each '' or one that is not logged again once it is known; ''
--                      when none has one
--         spent        JSON list of what each spent, as JSON in texts, '' for nothing; '' when none spent anything
--         reported...  the data of each, as JSON
-- Returns how many were logged
-- uses: agents
local FRAMES = 4096 -- an old Claude Code sends its last 1000 again after every reconnect
first = tonumber(first)
local l = fields(K.link(link), 'fence', 'spool', 'reports', 'heard')
if l.fence ~= fence then return refuse('Fenced', 'FENCED', 'a newer connection has taken over') end
local seen = l.spool == spool and tonumber(l.reports or '0') or 0
local last = first + #reported - 1
if last <= seen then return 0 end
if first > seen + 1 then return refuse('Conflict', 'REPORT_GAP', 'report ' .. first .. ' came after ' .. seen) end
local a = load_agent(agent)
local full = a.id and backlog_full(a.session)
if full then return full end
redis.call('HSET', K.link(link), 'spool', spool, 'reports', last, 'heard', hear(link, l.heard))
if not a.id or tonumber(a.generation) < tonumber(generation) or (a.proxy ~= link and a.link ~= link) then return 0 end
local function is_new(id)
  if id == '' or has_ended(a) then return true end
  local added = redis.call('ZADD', K.seen_frames(a.id), 'NX', NOW, id)
  redis.call('ZREMRANGEBYRANK', K.seen_frames(a.id), 0, -FRAMES - 1)
  redis.call('EXPIRE', K.seen_frames(a.id), 86400)
  return added == 1
end
-- What is shown of an agent in lists: told when it changes, and now and then when it only shows that it lives.
local function see(a)
  local was, news = fields(K.agent(a.id), 'seen', 'call'), {}
  if said ~= '' then news = {'said', said} end
  if call ~= '' then
    for _, each in ipairs({'call', call, 'doing', doing}) do news[#news + 1] = each end
  elseif was.call then
    for _, each in ipairs(cjson.decode(over)) do
      if each == was.call then
        redis.call('HDEL', K.agent(a.id), 'call', 'doing')
        news[#news + 1], news[#news + 2] = 'seen', NOW
      end
    end
  end
  if #news == 0 and math.abs(NOW - tonumber(was.seen or '0')) < T.glimpse_ms then return end
  redis.call('HSET', K.agent(a.id), 'seen', NOW, unpack(news))
  redis.call('PUBLISH', K.glimpses_channel(), a.session .. ' ' .. a.id)
end

ids, spent = filled(ids) and cjson.decode(ids) or {}, filled(spent) and cjson.decode(spent) or {}
local frames = {}
for i = 1 + math.max(0, seen + 1 - first), #reported do
  if is_new(ids[i] or '') then
    frames[#frames + 1] = reported[i]
    if filled(spent[i] or '') then spend_reported(a, spent[i]) end
  end
end
append_all(a.session, 'agent.frame', a.id, a.name, frames)
if a.generation == generation and not has_ended(a) then see(a) end
return #frames
