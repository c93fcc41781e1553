-- uses: grants audit log
-- What rules require of people before something is allowed. A yes is kept with the right that it was said by, and counts
-- as long as who said it has that right and is one of those that are named: who loses a role, a group or the session
-- meanwhile has said nothing.
local standing_assents, missing_of, own_yes, assent
do
  local RANKS = {member = 1, admin = 2, owner = 3}

  local function is_named(requirement, member)
    if requirement.of == 'role' then
      local rank = RANKS[redis.call('HGET', K.person(member), 'role') or '']
      return rank ~= nil and rank >= RANKS[requirement.name]
    end
    if requirement.of == 'group' then
      local group = redis.call('HGET', K.group_names(), requirement.folded)
      return group and redis.call('SISMEMBER', K.group_members(group), member) == 1
    end
    return true
  end

  -- Whether somebody who works here drives a session, too: one that is private is open to those that it names.
  local function drives(member, session)
    local text = redis.call('HGET', K.private_sessions(), session)
    if not text then return true end
    local role = redis.call('HGET', K.person(member), 'role')
    if role == 'owner' or role == 'admin' then return true end
    local open_to = cjson.decode(text)
    if open_to.people[member] == 'driver' then return true end
    for group, level in pairs(open_to.groups) do
      if level == 'driver' and redis.call('SISMEMBER', K.group_members(group), member) == 1 then return true end
    end
    return false
  end

  local function is_named_by_any(required, member)
    for _, requirement in ipairs(required) do
      if is_named(requirement, member) then return true end
    end
    return false
  end

  -- The kept yeses that still count for what is required.
  function standing_assents(kept, session, required)
    local found = {}
    for _, assent in ipairs(kept and cjson.decode(kept) or {}) do
      local member = assent.member
      if right_of(member) == assent.right and not is_suspended(member) and drives(member, session)
        and is_named_by_any(required, member) then
        found[#found + 1] = assent
      end
    end
    return found
  end

  -- Of each requirement that is not met, how many people are missing, by its place.
  function missing_of(required, assents)
    local missing, complete = {}, true
    for place, requirement in ipairs(required) do
      local left = requirement.count
      for _, assent in ipairs(assents) do
        if is_named(requirement, assent.member) then left = left - 1 end
      end
      if left > 0 then missing[place], complete = left, false end
    end
    return missing, complete
  end

  -- Whether a yes of somebody would help: 'counts', 'said' where they have said it, 'not_named' where others have to.
  function own_yes(required, kept, member)
    local missing, complete = missing_of(required, kept)
    if complete then return 'counts' end
    if member == '' or not right_of(member) then return 'not_named' end
    for _, each in ipairs(kept) do
      if each.member == member then return 'said' end
    end
    for place in pairs(missing) do
      if is_named(required[place], member) then return 'counts' end
    end
    return 'not_named'
  end

  -- What is missing as JSON for readers, and in words.
  local function describe_missing(required, missing)
    local needs, words = {}, {}
    for place, requirement in ipairs(required) do
      local left = missing[place]
      if left then
        needs[#needs + 1] = object('rule', requirement.by, 'of', requirement.of, 'name', requirement.name, 'missing', left,
          'words', requirement.words[left])
        words[#words + 1] = requirement.words[left]
      end
    end
    return list_of(needs), table.concat(words, ' and ')
  end

  -- A person says yes. Returns nil and all who have said so where nobody is missing; else what the script answers: a
  -- refusal, or 2 when the yes is kept. `ap`: the approval's `session`, `agent`, `name` and `assents`.
  function assent(id, ap, required, member, name, alone)
    local kept = alone and {} or standing_assents(ap.assents, ap.session, required)
    local missing, complete = missing_of(required, kept)
    if complete then return nil, name end
    local needs, words = describe_missing(required, missing)
    local right = member ~= '' and right_of(member)
    if not right then
      return refuse('NotPermitted', 'APPROVAL_REQUIRES', 'it needs ' .. words .. ', who sign in and say yes themselves: you may deny it')
    end
    local own = own_yes(required, kept, member)
    if own == 'said' then return refuse('Conflict', 'ALREADY_ASSENTED', 'you have said yes to it: it still needs ' .. words) end
    if own ~= 'counts' then
      return refuse('NotPermitted', 'APPROVAL_REQUIRES', 'it needs ' .. words .. ': you are none of them, and may deny it')
    end
    kept[#kept + 1] = {member = member, by = name, right = right, at_ms = NOW}
    missing, complete = missing_of(required, kept)
    if not complete and alone then
      local _, rest = describe_missing(required, missing)
      return refuse('Conflict', 'REQUIRES_AS_ASKED', 'it needs ' .. rest .. ' besides you: several people allow what was asked for, unchanged')
    end
    redis.call('HSET', K.approval(id), 'assents', cjson.encode(kept))
    if complete then
      local names = {}
      for place, each in ipairs(kept) do names[place] = each.by end
      return nil, table.concat(names, ', ')
    end
    needs, words = describe_missing(required, missing)
    record_act('approval.assented', 'approval ' .. id, nil, 'yes; it needs ' .. words)
    append(ap.session, 'approval.assented', filled(ap.agent or ''), ap.name, object('id', id, 'status', 'pending', 'by', name,
      'needs', needs))
    return 2
  end
end
