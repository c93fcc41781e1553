-- The audit trail: a numbered record of each act, written in the step that carries it out.
-- ARGV    caller  who acts and from where, JSON; given by `Scripts` itself
local LONGEST_FACT = 1000 -- `domain.audit.acts`

local function fact(value) return value and cut(tostring(value), LONGEST_FACT) or nil end

-- Records an act of `domain.audit.acts`, on something of a kind, with what was there before and after, for people.
local function record_act(act, on, before, after)
  local number = redis.call('HINCRBY', K.audit_state(), 'number', 1)
  redis.call('XADD', K.audit(), number .. '-0', 'r', object('number', number, 'at_ms', NOW, 'act', act, 'on', fact(on),
    'before', fact(before), 'after', fact(after), 'by', raw(caller)))
end
