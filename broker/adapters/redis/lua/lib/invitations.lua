-- uses: members
-- Whether who made an invitation may invite with it by now: it ends with them, and with what they may no longer do.
local function may_invite(row)
  if not is_maker_good(row.token, row.by) then return false end
  if row.by == '' then return true end
  local role = redis.call('HGET', K.person(row.by), 'role')
  return role == 'owner' or role == 'admin' and row.preset.role ~= 'owner'
end

-- An invitation that can be accepted, or nil. Forgets one whose time is over.
local function open_invitation(id)
  local text = redis.call('HGET', K.invitations(), id)
  if not text then return nil end
  local row = cjson.decode(text)
  if row.expires <= NOW then
    redis.call('HDEL', K.invitations(), id)
    return nil
  end
  return may_invite(row) and row or nil
end

local function no_invitation()
  return refuse('NotFound', 'INVITATION_NOT_FOUND', 'this invitation was used, revoked or sent again, or is too old')
end
