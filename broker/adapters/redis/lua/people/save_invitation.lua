-- Makes an invitation, or sends one again: then the link before leads nowhere.
-- KEYS[1] workspace root
-- ARGV    id
--         preset      JSON: role, name, groups; '' to send one again
--         hash        of the link
--         life_ms
--         by          the member who does it, '' when it is none
--         token       what they do it with, '' when they are signed in
--         most        how many may be open
--         most_a_day  how many may be made or sent again in a day
--         plan        the workspace's
--         in_plan     how many members there may be in it, 0 = any
-- Returns the invitation, JSON
-- uses: invitations plans audit
local before = open_invitation(id)
if before and before.hash == hash then return cjson.encode(before) end -- sent twice
if preset == '' and not before then return no_invitation() end
local row = before or {made = NOW, preset = cjson.decode(preset)}
if row.preset.role == 'owner' and not may_change_owners(by) then return owners_only() end
if not is_maker_good(token, by) then return refuse('NotAuthenticated', 'TOKEN_REVOKED', 'you were removed') end
local over = over_limit('members', plan, redis.call('ZCARD', K.people()), tonumber(in_plan))
if over then return over end
if tonumber(redis.call('HGET', K.usage(TODAY), 'invitations') or '0') >= tonumber(most_a_day) then
  return refuse('RateLimited', 'RATE_LIMITED', most_a_day .. ' invitations a day at most; try again tomorrow (00:00 UTC)',
    object('policy', 'invitations', 'quota', tonumber(most_a_day), 'window_s', 86400, 'remaining', 0,
      'reset_s', 86400 - math.floor(NOW / 1000) % 86400))
end
if not before and redis.call('HLEN', K.invitations()) >= tonumber(most) then
  for _, other in ipairs(redis.call('HKEYS', K.invitations())) do open_invitation(other) end
  if redis.call('HLEN', K.invitations()) >= tonumber(most) then
    return refuse('Conflict', 'TOO_MANY_INVITATIONS', most .. ' open invitations at most; revoke some first')
  end
end
row.id, row.hash, row.by, row.token, row.sent, row.expires = id, hash, by, token, NOW, NOW + tonumber(life_ms)
local text = cjson.encode(row)
redis.call('HSET', K.invitations(), id, text)
count('invitations', 1)
record_act(before and 'invitation.sent_again' or 'invitation.made', 'invitation ' .. id, nil, row.preset.role)
return text
