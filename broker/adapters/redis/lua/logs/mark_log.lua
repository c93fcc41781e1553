-- Counts the bytes of a part of a log that an earlier version wrote, and sets marks in it. From the first part on, until
-- nothing is left.
-- KEYS[1] workspace root
-- ARGV    session
--         after    offset that the part begins behind
--         written  bytes up to there
--         most     entries
-- Returns {the part's last offset, bytes up to there}; the offset is the one it began behind when there is no more
-- uses: log
after, written = tonumber(after), tonumber(written)
if redis.call('EXISTS', K.session(session)) == 0 then return {after, written} end
for _, entry in ipairs(redis.call('XRANGE', K.log(session), (after + 1) .. '-0', '+', 'COUNT', most)) do
  after = tonumber(string.match(entry[1], '%d+'))
  set_mark(session, after, written, written + #entry[2][2])
  written = written + #entry[2][2]
end
-- What is held here from before it was counted is no part of the workspace's bytes.
note_all_dropped(session)
redis.call('HSET', K.session(session), 'written', written, 'dropped', written)
return {after, written}
