-- The private sessions, and who is in the groups that they are open to.
-- KEYS[1] workspace root
-- Returns {their version, {session, JSON of whom it is open to, …}, {group, its members, …}}
-- unguarded: reads what the caller may do
local private, wanted, groups = redis.call('HGETALL', K.private_sessions()), {}, {}
for i = 2, #private, 2 do
  for group in pairs(cjson.decode(private[i]).groups) do wanted[group] = true end
end
for group in pairs(wanted) do
  groups[#groups + 1] = group
  groups[#groups + 1] = redis.call('SMEMBERS', K.group_members(group))
end
return {redis.call('HGET', K.workspace(), 'privacy') or '0', private, groups}
