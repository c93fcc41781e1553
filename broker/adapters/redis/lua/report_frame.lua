-- A native frame for the log.
-- KEYS[1] workspace root
-- ARGV    1-6 see report  7 data JSON  8 the frame's own id or '': a frame with a known id is not logged again
-- uses: report
if ARGV[8] ~= '' then
  if redis.call('SADD', K.seen_frames(a.id), ARGV[8]) == 0 then return 0 end
  redis.call('EXPIRE', K.seen_frames(a.id), 86400)
end
append(a.session, 'agent.frame', a.id, a.name, ARGV[7])
return 1
