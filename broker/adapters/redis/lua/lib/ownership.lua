-- uses: links
-- Whose a machine is: fields `owner` (a member; none: the workspace's, its admins own it), `orphaned` (since when its
-- owner is removed) and `adopter` (who is to own it once it is linked with a token of theirs) of its link.
local NOBODY = '-' -- an adopter that is no member: the workspace

-- Why whoever stands behind a token ('' for nobody in particular) may not link that machine; nil when they may.
local function owner_refusal(l, member)
  if not l.orphaned then
    if not l.owner or member == '' or member == l.owner or member == l.adopter then return nil end
    return refuse('NotPermitted', 'NOT_PERMITTED',
      'this machine id is of a machine of somebody else; if its state folder is a copy, start with --new-identity')
  end
  if not l.adopter then
    return refuse('NotPermitted', 'OWNER_REMOVED', 'the owner of this machine was removed; an admin may adopt it')
  end
  if l.adopter == (member == '' and NOBODY or member) then return nil end
  return refuse('NotPermitted', 'OWNER_REMOVED', 'this machine was adopted; link it with a token of who did that')
end

-- Writes down whose a machine is from now on. An agent's process is not told by the word of an owner before.
local function own(proxy, member)
  if member == '' then
    redis.call('HDEL', K.link(proxy), 'owner', 'orphaned', 'adopter')
  else
    redis.call('HSET', K.link(proxy), 'owner', member)
    redis.call('HDEL', K.link(proxy), 'orphaned', 'adopter')
  end
  for _, agent in ipairs(redis.call('SMEMBERS', K.link_agents(proxy))) do redis.call('HDEL', K.agent(agent), 'asked_by') end
end

-- A member is removed: its machines are cut off at once, and their agents end.
local function orphan_machines(member)
  for _, proxy in ipairs(redis.call('HVALS', K.proxies())) do
    local l = fields(K.link(proxy), 'owner', 'fence')
    if l.owner == member then
      redis.call('HSET', K.link(proxy), 'orphaned', NOW)
      redis.call('HDEL', K.link(proxy), 'adopter')
      detach(proxy, l.fence)
      redis.call('HINCRBY', K.link(proxy), 'fence', 1) -- what is under way of its connection is not heard any more
      redis.call('PUBLISH', K.link_channel(proxy), '!orphaned')
      wake_at(NOW, 'orphaned|' .. proxy)
    end
  end
end
