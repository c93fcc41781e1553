-- uses: access
-- Who may change owners: an owner, and the workspace's own key, which has no member id. A token with scopes is named by
-- its own, whoever made it.
local function may_change_owners(by)
  return by == '' or redis.call('SISMEMBER', K.owners(), by) == 1
end

local function owners_only()
  return refuse('NotPermitted', 'NOT_PERMITTED', 'only an owner may make, change or remove an owner')
end

-- Whether nobody else owns the workspace; who is suspended is not counted.
local function is_last_owner(id)
  return redis.call('SCARD', K.owners()) == 1 and redis.call('SISMEMBER', K.owners(), id) == 1
end

-- Every gateway looks again at what the member has open, and at what its machines have.
local function tell_member_changed(member)
  local _, agents = machines_with({}, member)
  tell_access_changed({members = {member}, agents = agents})
end
