-- Frees a slug that was a workspace's.
-- KEYS[1] workspace root: the installation's
-- ARGV    workspace
--         slug
-- Returns 1
if redis.call('HGET', K.slugs(), slug) == workspace then redis.call('HDEL', K.slugs(), slug) end
return 1
