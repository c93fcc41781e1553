-- Who of the workspace is whom at its identity provider. `identities` says it, and counts; what a person's own record has
-- leads back there, and means nothing once another client is asked.
local function member_behind(identity)
  local member = redis.call('HGET', K.identities(), identity)
  return member and redis.call('EXISTS', K.person(member)) == 1 and member or nil
end

local function identity_of(member)
  local identity = redis.call('HGET', K.person(member), 'identity')
  return identity and redis.call('HGET', K.identities(), identity) == member and identity or nil
end

-- Says that a member is that identity.
local function identify(member, identity)
  redis.call('HSET', K.identities(), identity, member)
  redis.call('HSET', K.person(member), 'identity', identity)
end

local function forget_identity(member)
  local identity = identity_of(member)
  if identity then redis.call('HDEL', K.identities(), identity) end
end

-- A refusal where nobody may come in by a provider any more, or yet.
local function not_by(provider)
  local w = fields(K.workspace(), 'provider', 'state')
  if w.provider == provider and (w.state or 'active') == 'active' then return nil end
  return refuse('NotAuthenticated', 'SIGN_IN_FAILED', 'single sign-on of this workspace was changed meanwhile: begin again')
end

local function is_suspended_words()
  return refuse('NotAuthenticated', 'SUSPENDED', 'an administrator of this workspace has suspended you')
end
