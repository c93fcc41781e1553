-- Keeps a view of a page, in place of one of that name.
-- KEYS[1] workspace root
-- ARGV    page
--         name
--         address
--         by       who saves it
--         most     how many a page may have
-- Returns 1
local all = K.views(page)
if redis.call('HEXISTS', all, name) == 0 and redis.call('HLEN', all) >= tonumber(most) then
  return refuse('Conflict', 'TOO_MANY_VIEWS', most .. ' saved views at most; delete some first')
end
redis.call('HSET', all, name, object('address', address, 'by', by, 'at_ms', NOW))
return 1
