-- Who ships a workspace: the holder renews, anybody may take a lease that has ended.
-- KEYS[1] workspace root
-- ARGV    1 holder  2 length, ms
-- Returns 1 when the holder has it, 0 when another does
local holder = redis.call('GET', K.shipper())
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', K.shipper(), ARGV[1], 'PX', ARGV[2])
return 1
