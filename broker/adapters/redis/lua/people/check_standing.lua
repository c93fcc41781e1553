-- Whether a caller whose token is known may act now: what the token hangs on is there.
-- KEYS[1] workspace root
-- ARGV    kind        of the token
--         id
--         hash        '' when it is not the one that people made
--         agent       or ''
--         generation  of an agent, or of a member's sign-ins, or ''
--         member      or ''
--         family      or ''
-- Returns {'' or what is gone: agent, machine, member, suspended, token; the workspace's plan or '', its slug or '',
--          its state, how often access, and whom private sessions are open to, has changed, a member's name, its role,
--          when the token ends, ms, or ''}
-- unguarded: reads what the caller may do
-- uses: access
local w = fields(K.workspace(), 'plan', 'slug', 'state', 'access', 'privacy')
local plan, slug, state = w.plan or '', w.slug or '', w.state or 'active'
local access, privacy = w.access or '0', w.privacy or '0'
local function gone(what) return {what, plan, slug, state, access, privacy, '', '', ''} end

if family ~= '' and redis.call('EXISTS', K.family(family)) == 0 then return gone('token') end
if agent ~= '' then
  local a = fields(K.agent(agent), 'state', 'generation', 'proxy', 'token')
  if a.generation ~= generation or a.state == 'released' or a.state == 'failed' then return gone('agent') end
  if a.token and hash ~= '' and a.token ~= hash then return gone('agent') end
  local machine = redis.call('HGET', K.link(a.proxy), 'machine')
  local linked_with = machine and redis.call('HGET', K.proxy_owners(), machine)
  if linked_with and not may_link(linked_with) then return gone(is_held(linked_with) and 'suspended' or 'machine') end
  return gone('')
end
local row = row_of(id)
if row and hash ~= '' and row.sha256 ~= hash then return gone('token') end
local ends = row and known(row.record.expires_at_ms)
if kind == 'personal' then
  local p = fields(K.person(member), 'role', 'suspended')
  local role = p.role
  if not role or not row or not is_in_time(row) then return gone('token') end
  if p.suspended or not is_good(id) then return gone('suspended') end
  if hash ~= '' then note_use(id) end
  return {'', plan, slug, state, access, privacy, '', role, ends and string.format('%d', ends) or ''}
end
if member ~= '' then
  local p = fields(K.person(member), 'generation', 'name', 'role', 'suspended')
  if p.generation ~= generation then return gone('member') end
  if p.suspended then return gone('suspended') end
  if family ~= '' and not is_good(id) then return gone('member') end
  return {'', plan, slug, state, access, privacy, p.name, p.role, ''}
end
local good = kind == 'proxy' and may_link(id) or kind ~= 'proxy' and is_good(id)
if not good then return gone(is_held(id) and 'suspended' or 'token') end
if row and hash ~= '' then note_use(id) end
return {'', plan, slug, state, access, privacy, '', '', ends and string.format('%d', ends) or ''}
