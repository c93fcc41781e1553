-- Gives a workspace a slug that no other has or had.
-- KEYS[1] workspace root: the installation's
-- ARGV    slug
--         workspace
--         exact    '1' when it must be that one; else another like it does
--         suffix   what makes it unique when many have one like it
-- Returns the slug it has; '' when that one is another's
local TRIES = 20
local function take(wanted)
  if redis.call('HSETNX', K.slugs(), wanted, workspace) == 1 then return true end
  return redis.call('HGET', K.slugs(), wanted) == workspace
end
if take(slug) then return slug end
if exact == '1' then return '' end
for number = 2, TRIES do
  if take(slug .. '-' .. number) then return slug .. '-' .. number end
end
return take(slug .. '-' .. suffix) and slug .. '-' .. suffix or ''
