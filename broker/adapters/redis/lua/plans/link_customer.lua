-- Writes down which customer of Stripe's the workspace is; the first one stays. What was used so far is not reported.
-- KEYS[1] workspace root
-- ARGV    customer
--         meters    JSON rows of {meter, counter, how much of it is one unit}
-- Returns the customer that counts
-- uses: plans
if redis.call('HSETNX', K.billing(), 'customer', customer) == 1 then
  redis.call('HSET', K.billing(), 'since', NOW)
  for _, row in ipairs(cjson.decode(meters)) do
    local used = tonumber(redis.call('HGET', K.usage(TODAY), row[2]) or '0')
    local units = math.ceil(used / row[3])
    redis.call('HSET', K.usage_sent(TODAY), row[1], units, row[1] .. ':base', units)
  end
  redis.call('EXPIRE', K.usage_sent(TODAY), T.usage_kept_s)
end
return redis.call('HGET', K.billing(), 'customer')
