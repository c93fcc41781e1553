-- A native frame for the log.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 data JSON  8 the frame's own id or '': a frame with a known id is not logged again
-- uses: report
local FRAMES = 4096 -- an old Claude Code sends its last 1000 again after every reconnect
if ARGV[8] ~= '' then
  if redis.call('ZADD', K.seen_frames(a.id), 'NX', NOW, ARGV[8]) == 0 then return 0 end
  redis.call('ZREMRANGEBYRANK', K.seen_frames(a.id), 0, -FRAMES - 1)
  redis.call('EXPIRE', K.seen_frames(a.id), 86400)
end
append(a.session, 'agent.frame', a.id, a.name, ARGV[7])
return 1
