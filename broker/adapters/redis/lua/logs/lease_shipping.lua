-- Who ships a workspace: the holder renews, anybody may take a lease that has ended.
-- KEYS[1] workspace root
-- ARGV    by         who asks for it
--         length_ms
-- Returns 1 when the holder has it, 0 when another does
local holder = redis.call('GET', K.shipper())
if holder and holder ~= by then return 0 end
redis.call('SET', K.shipper(), by, 'PX', length_ms)
return 1
