-- Which history of the store this is, and whether it went on from another one when it was made the primary: it may lack
-- that one's last writes. Nothing for a user who may not ask.
local store_history
do
  local asked, history, is_promoted
  store_history = function()
    if asked then return history, is_promoted end
    asked = true
    local info = redis.pcall('INFO', 'replication')
    if type(info) ~= 'string' then return nil end
    history = string.match(info, 'master_replid:(%x+)')
    is_promoted = string.find(string.match(info, 'master_replid2:(%x+)') or '', '[^0]') ~= nil
    return history, is_promoted
  end
end
