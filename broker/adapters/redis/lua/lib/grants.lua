-- uses: access
-- What people have allowed for as long as an agent lives: it ends with their right to allow it. A right hangs on a token
-- that people made, on a member, or on both; each may be ''.

-- Which of a member's rights to approve this is: it counts how often they lost it. nil while they have none.
local function right_of(member)
  if member == '' then return '0' end
  local p = fields(K.person(member), 'role', 'approvals_lost')
  if not works(p.role) then return nil end
  return p.approvals_lost or '0'
end

local function grant(agent, likeness, by, token, member)
  local right = right_of(member)
  if likeness == '' or not right or not is_maker_good(token, member) then return end
  if redis.call('HLEN', K.granted(agent)) >= T.grants then return end -- it holds once
  redis.call('HSET', K.granted(agent), likeness, cjson.encode({by = by, token = token, member = member, right = right}))
end

-- Who has allowed the like and may still do so; nil for nobody. Earlier versions kept a mere name, which says nothing of
-- whose right it was: it counts no more.
local function granted_by(agent, likeness)
  local text = redis.call('HGET', K.granted(agent), likeness)
  if not text then return nil end
  local known, g = pcall(cjson.decode, text)
  if known and type(g) == 'table' and g.member and is_suspended(g.member) then return nil end -- it is on hold
  if known and type(g) == 'table' and g.right and g.right == right_of(g.member) and is_maker_good(g.token, g.member) then
    return g.by
  end
  redis.call('HDEL', K.granted(agent), likeness)
  return nil
end
