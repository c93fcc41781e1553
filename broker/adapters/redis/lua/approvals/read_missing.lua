-- Who is missing of those that have to say yes to an approval.
-- KEYS[1] workspace root
-- ARGV    id
--         required  JSON, as of `answer_approval`
-- Returns how many people are missing of each requirement, in their order; nothing for an approval that is gone
-- uses: assents
local ap = fields(K.approval(id), 'session', 'assents')
if not ap.session then return {} end
local wanted, counts = cjson.decode(required), {}
local missing = missing_of(wanted, standing_assents(ap.assents, ap.session, wanted))
for place in ipairs(wanted) do counts[place] = missing[place] or 0 end
return counts
