-- Takes points of a token's allowance.
-- KEYS[1] workspace root
-- ARGV    token
--         points
--         per_s   points earned
--         burst   points that can be saved up
-- Returns {0 when they were taken, else the milliseconds until they can be; the points that are left; the milliseconds
--          until all are there again}
-- uses: points
return take_from(K.allowance(token), tonumber(points), tonumber(per_s), tonumber(burst), redis.call)
