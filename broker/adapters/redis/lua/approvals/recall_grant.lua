-- Finds out who has allowed the like of a request for as long as the agent lives.
-- KEYS[1] workspace root
-- ARGV    agent
--         likeness  see `domain.approvals.tool_use`
-- Returns a name; '' when nobody has who may still do so
-- uses: grants
return granted_by(agent, likeness) or ''
