-- A connection is gone. Its agents count as lost only after a grace period: most come back within a second.
-- KEYS[1] workspace root
-- ARGV    link
--         fence  of the connection
-- Returns 1, or 0 when a newer connection has taken over
-- unguarded: who may not go on has to leave
-- uses: links
return detach(link, fence)
