-- Holds back what sets a hook off until nothing has set it off for a while; what comes meanwhile is one with it.
-- KEYS[1] workspace root
-- ARGV    hook
--         agent
--         epoch
--         mark       of the event in that epoch: grows
--         quiet_ms   nothing may set it off for so long
--         most_ms    it waits no longer than this from the first on
--         happening  JSON
--         files      JSON list
--         times      how often it was set off in this step
-- Returns 1, or 0 for one that was held before
local key, member = K.hook_hold(hook, agent), hook .. '|' .. agent
local h = fields(key, 'epoch', 'mark', 'first', 'files', 'count', 'waiting')
if h.epoch == epoch and tonumber(h.mark) >= tonumber(mark) then return 0 end
local first, count = NOW, tonumber(times)
if h.waiting then
  first, count = math.min(tonumber(h.first), NOW), tonumber(h.count) + count
  local all, seen = {}, {}
  for _, list in ipairs({h.files, files}) do
    for _, path in ipairs(cjson.decode(list)) do
      if not seen[path] and #all < T.hook_held_files then all[#all + 1] = path end
      seen[path] = true
    end
  end
  files = #all > 0 and cjson.encode(all) or '[]'
end
redis.call('HSET', key, 'epoch', epoch, 'mark', mark, 'first', first, 'files', files, 'count', count,
  'happening', happening, 'waiting', '1')
redis.call('EXPIRE', key, T.hook_run_kept_s)
wake_at(math.min(NOW + tonumber(quiet_ms), first + tonumber(most_ms)), 'hold|' .. member)
return 1
