-- Counts the bytes of a part of a log that an earlier version wrote, and sets marks in it. From the first part on, until
-- nothing is left.
-- KEYS[1] workspace root
-- ARGV    1 session  2 offset that the part begins behind  3 bytes up to there  4 entries at most
-- Returns {the part's last offset, bytes up to there}; the offset is the one it began behind when there is no more
-- uses: log
local session, after, written, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('EXISTS', K.session(session)) == 0 then return {after, written} end
for _, entry in ipairs(redis.call('XRANGE', K.log(session), (after + 1) .. '-0', '+', 'COUNT', most)) do
  after = tonumber(string.match(entry[1], '%d+'))
  set_mark(session, after, written, written + #entry[2][2])
  written = written + #entry[2][2]
end
redis.call('HSET', K.session(session), 'written', written)
return {after, written}
