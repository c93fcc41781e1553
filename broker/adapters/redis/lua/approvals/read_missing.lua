-- Who is missing of those that have to say yes to approvals, and whether somebody is one of them.
-- KEYS[1] workspace root
-- ARGV    asked   JSON: a list of `id` and `required`, the latter as of `answer_approval`
--         member  who looks, or ''
-- Returns for each in its order {what `own_yes` says, how many people are missing of each requirement, in their order};
--         nothing for an approval that is gone
-- uses: assents
local found = {}
for place, each in ipairs(cjson.decode(asked)) do
  local ap, said = fields(K.approval(each.id), 'session', 'assents'), {}
  if ap.session then
    local kept = standing_assents(ap.assents, ap.session, each.required)
    local missing = missing_of(each.required, kept)
    said[1] = own_yes(each.required, kept, member)
    for at in ipairs(each.required) do said[at + 1] = missing[at] or 0 end
  end
  found[place] = said
end
return found
