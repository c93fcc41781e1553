-- A machine has made the token of an agent's process. The one of the process before it ends with that.
-- KEYS[1] workspace root
-- ARGV    1 agent id  2 generation of the process  3 the machine's proxy id  4 hash of the token
-- Returns {1 when the agent is of that machine, hash of the token that ends or ''}
local agent, generation, proxy, hash = unpack(ARGV)
local a = fields(K.agent(agent), 'proxy', 'generation', 'token')
if a.proxy ~= proxy then return {0, ''} end
if a.generation ~= generation then return {1, ''} end
redis.call('HSET', K.agent(agent), 'token', hash)
return {1, a.token and a.token ~= hash and a.token or ''}
