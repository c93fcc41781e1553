-- The lease of a link was not renewed: its gateway is gone, or could not say that the connection is.
-- KEYS[1] workspace root
-- ARGV    link
--         seen  the lease as it was seen
-- Returns 1 when the link was detached, 0 when the lease has changed
-- uses: links
if redis.call('HGET', K.leases(), link) ~= seen then return 0 end
if detach(link, string.match(seen, '^%d+')) == 0 then redis.call('HDEL', K.leases(), link) end
return 1
