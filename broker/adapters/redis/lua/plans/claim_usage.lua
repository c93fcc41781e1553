-- Puts units of days aside to be reported: those that were put aside and are not settled, else what has come since.
-- KEYS[1] workspace root
-- ARGV    meters   JSON rows of {meter, counter, how much of it is one unit}
--         days...
-- Returns rows {day, meter, units that are never reported, part as JSON: first, last, at_ms}
-- uses: plans
local since, rows = redis.call('HGET', K.billing(), 'since'), {}
if not since then return rows end
local first_day, list = day_of(tonumber(since)), cjson.decode(meters)
for _, day in ipairs(days) do
  local sent, touched = K.usage_sent(day), false
  for _, row in ipairs(list) do
    local meter = row[1]
    local part = redis.call('HGET', sent, meter .. ':part')
    if not part and day >= first_day then
      local first = tonumber(redis.call('HGET', sent, meter) or '0')
      local last = math.ceil(tonumber(redis.call('HGET', K.usage(day), row[2]) or '0') / row[3])
      if last > first then
        part, touched = object('first', first, 'last', last, 'at_ms', NOW), true
        redis.call('HSET', sent, meter .. ':part', part)
      end
    end
    if part then rows[#rows + 1] = {day, meter, redis.call('HGET', sent, meter .. ':base') or '0', part} end
  end
  if touched then redis.call('EXPIRE', sent, T.usage_kept_s) end
end
return rows
