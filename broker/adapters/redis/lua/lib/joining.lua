-- uses: plans audit
-- A refusal where there is no room for another member, or somebody has the name.
local function no_room_for(folded, most, plan, in_plan)
  if redis.call('HEXISTS', K.people_names(), folded) == 1 then
    return refuse('Conflict', 'NAME_TAKEN', 'there is a member with that name')
  end
  local there = redis.call('ZCARD', K.people())
  if there >= tonumber(most) then return refuse('Conflict', 'TOO_MANY_MEMBERS', most .. ' members at most') end
  return over_limit('members', plan, there, tonumber(in_plan))
end

-- Makes somebody a member.
local function let_in(member, name, folded, role)
  redis.call('ZADD', K.people(), next_place(K.people()), member)
  redis.call('HSET', K.people_names(), folded, member)
  redis.call('HSET', K.person(member), 'id', member, 'name', name, 'folded', folded, 'role', role,
    'generation', 1, 'created', NOW)
  if role == 'owner' then redis.call('SADD', K.owners(), member) end
  record_act('member.added', 'member ' .. member, nil, role)
end
