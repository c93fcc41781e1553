-- uses: access
-- Whether a caller whose token is known may act now: what the token hangs on is there. `c` has the fields of
-- `check_standing`; '' for what it has not, no `provider` where it does not matter how somebody signed in.
-- Returns {'' or what is gone: agent, machine, member, provider, sso, suspended, token; the workspace's plan or '', its slug or '',
--          its state, how often access, and whom private sessions are open to, has changed, a member's name, its role,
--          when the token ends, ms, or ''}
local function standing_of(c)
  local w = fields(K.workspace(), 'plan', 'slug', 'state', 'access', 'privacy', 'provider', 'sso_required')
  local plan, slug, state = w.plan or '', w.slug or '', w.state or 'active'
  local access, privacy = w.access or '0', w.privacy or '0'
  local function gone(what) return {what, plan, slug, state, access, privacy, '', '', ''} end

  if c.family ~= '' and redis.call('EXISTS', K.family(c.family)) == 0 then return gone('token') end
  if c.agent ~= '' then
    local a = fields(K.agent(c.agent), 'state', 'generation', 'proxy', 'token')
    if a.generation ~= c.generation or a.state == 'released' or a.state == 'failed' then return gone('agent') end
    if a.token and c.hash ~= '' and a.token ~= c.hash then return gone('agent') end
    local machine = redis.call('HGET', K.link(a.proxy), 'machine')
    local linked_with = machine and redis.call('HGET', K.proxy_owners(), machine)
    if linked_with and not may_link(linked_with) then return gone(is_held(linked_with) and 'suspended' or 'machine') end
    return gone('')
  end
  local row = row_of(c.id)
  if row and c.hash ~= '' and row.sha256 ~= c.hash then return gone('token') end
  local ends = row and known(row.record.expires_at_ms)
  if c.kind == 'personal' then
    local p = fields(K.person(c.member), 'role', 'suspended')
    local role = p.role
    if not role or not row or not is_in_time(row) then return gone('token') end
    if p.suspended or not is_good(c.id) then return gone('suspended') end
    if c.hash ~= '' then note_use(c.id) end
    return {'', plan, slug, state, access, privacy, '', role, ends and string.format('%d', ends) or ''}
  end
  if c.member ~= '' then
    local p = fields(K.person(c.member), 'generation', 'name', 'role', 'suspended')
    if p.generation ~= c.generation then return gone('member') end
    if p.suspended then return gone('suspended') end
    if c.family ~= '' and not is_good(c.id) then return gone('member') end
    if c.provider and c.provider ~= '' and c.provider ~= w.provider then return gone('provider') end
    if c.provider == '' and w.sso_required and p.role ~= 'owner' then return gone('sso') end
    return {'', plan, slug, state, access, privacy, p.name, p.role, ''}
  end
  local good = c.kind == 'proxy' and may_link(c.id) or c.kind ~= 'proxy' and is_good(c.id)
  if not good then return gone(is_held(c.id) and 'suspended' or 'token') end
  if row and c.hash ~= '' then note_use(c.id) end
  return {'', plan, slug, state, access, privacy, '', '', ends and string.format('%d', ends) or ''}
end

-- The same of one that is kept as JSON (`domain.people.access.Principal`).
local function standing_of_kept(text)
  local p = cjson.decode(text)
  local made_by = known(p.made_by)
  local generation = known(p.generation)
  return standing_of({
    kind = p.kind, id = p.token_id, hash = '', agent = known(p.agent) or '', family = known(p.family) or '',
    generation = generation and string.format('%d', generation) or '',
    member = known(p.member) or p.kind == 'personal' and made_by and known(made_by.member) or '',
  })
end
