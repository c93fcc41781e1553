-- Gives a workspace another name, or another slug, which is its own already; the one before goes on leading to it.
-- KEYS[1] workspace root
-- ARGV    name  '' to keep it
--         slug  '' to keep it
--         most  how many former slugs it keeps
-- Returns the former slugs that lead to it no longer
-- uses: audit
local w = fields(K.workspace(), 'name', 'slug', 'former')
if not w.name then return refuse('NotFound', 'WORKSPACE_NOT_FOUND', 'no such workspace') end
if name ~= '' and name ~= w.name then
  redis.call('HSET', K.workspace(), 'name', name)
  record_act('workspace.renamed', 'name', w.name, name)
end
if slug == '' or slug == w.slug then return {} end
local kept, over = {}, {}
local function keep(former)
  if former == slug then return end
  local list = #kept < tonumber(most) and kept or over
  list[#list + 1] = former
end
if w.slug then keep(w.slug) end
for former in string.gmatch(w.former or '', '%S+') do keep(former) end
redis.call('HSET', K.workspace(), 'slug', slug, 'former', table.concat(kept, ' '))
if w.slug then record_act('workspace.renamed', 'slug', w.slug, slug) end -- the first comes with its making
return over
