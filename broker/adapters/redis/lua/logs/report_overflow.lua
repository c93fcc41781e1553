-- The proxy had to drop frames while it could not reach the broker; said in the log, never hidden.
-- KEYS[1] workspace root
-- ARGV    dropped  frames
-- Returns 1, or 0 when it was applied before
-- uses: numbered log
append(l.session, 'log.overflow', nil, nil, object('proxy', link, 'dropped_frames', tonumber(dropped)))
return 1
