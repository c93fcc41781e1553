-- Whether a caller whose token is known may act now: what the token hangs on is there.
-- KEYS[1] workspace root
-- ARGV    kind        of the token
--         id
--         hash        '' when it is not the one that people made
--         agent       or ''
--         generation  of an agent, or of a member's sign-ins, or ''
--         member      or ''
--         family      or ''
-- Returns {'' or what is gone: agent, machine, member, token; the workspace's plan or '', its slug or '',
--          its state, a member's name, its role}
-- uses: access
local w = fields(K.workspace(), 'plan', 'slug', 'state')
local plan, slug, state = w.plan or '', w.slug or '', w.state or 'active'
local function gone(what) return {what, plan, slug, state, '', ''} end

if family ~= '' and redis.call('EXISTS', K.family(family)) == 0 then return gone('token') end
if agent ~= '' then
  local a = fields(K.agent(agent), 'state', 'generation', 'proxy', 'token')
  if a.generation ~= generation or a.state == 'released' or a.state == 'failed' then return gone('agent') end
  if a.token and hash ~= '' and a.token ~= hash then return gone('agent') end
  local machine = redis.call('HGET', K.link(a.proxy), 'machine')
  local linked_with = machine and redis.call('HGET', K.proxy_owners(), machine)
  if linked_with and not may_link(linked_with) then return gone('machine') end
  return gone('')
end
if member ~= '' then
  local p = fields(K.person(member), 'generation', 'name', 'role')
  if p.generation ~= generation then return gone('member') end
  if family ~= '' and not is_good(id) then return gone('member') end
  return {'', plan, slug, state, p.name, p.role}
end
local row = row_of(id)
if row and hash ~= '' and row.sha256 ~= hash then return gone('token') end
local good = kind == 'proxy' and may_link(id) or kind ~= 'proxy' and is_good(id)
return gone(good and '' or 'token')
