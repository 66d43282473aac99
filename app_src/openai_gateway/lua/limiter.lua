-- Requests and tokens of the last minute, for all workers together. Times are the server's own, in milliseconds.
--
-- grants   sorted set: call -> when it was granted, or last stamped        calls  hash: call -> "tokens user"
-- totals   hash: tokens, hold (nobody may go before), ready (filled from the ledger), u:<user> -> grants
-- users    set of the users who wait       expiry  sorted set: "user waiter" -> when it counts as gone
-- waiting  (prefix, one sorted set a user): waiter -> when it came first
local grants, calls, totals, users, expiry, waiting = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local action = ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function number(hash, field)
  return tonumber(redis.call('HGET', hash, field) or '0')
end

local function forget(call)
  local kept = redis.call('HGET', calls, call)
  if not kept then return end
  local tokens, user = kept:match('^(%d+) (.*)$')
  redis.call('ZREM', grants, call)
  redis.call('HDEL', calls, call)
  redis.call('HINCRBY', totals, 'tokens', -tonumber(tokens))
  if redis.call('HINCRBY', totals, 'u:' .. user, -1) <= 0 then redis.call('HDEL', totals, 'u:' .. user) end
end

local function grant(call, user, tokens, at)
  redis.call('ZADD', grants, at, call)
  redis.call('HSET', calls, call, string.format('%d %s', tokens, user))
  redis.call('HINCRBY', totals, 'tokens', tokens)
  redis.call('HINCRBY', totals, 'u:' .. user, 1)
end

local function leave(user, waiter)
  redis.call('ZREM', expiry, user .. ' ' .. waiter)
  redis.call('ZREM', waiting .. user, waiter)
  if redis.call('ZCARD', waiting .. user) == 0 then redis.call('SREM', users, user) end
end

if action == 'stamp' then  -- call: it is sent now; 0 when nobody knows of its grant any more
  if not redis.call('ZSCORE', grants, ARGV[2]) then return 0 end
  redis.call('ZADD', grants, now, ARGV[2])
  return 1
elseif action == 'correct' then  -- call, tokens
  local kept = redis.call('HGET', calls, ARGV[2])
  if kept then
    local tokens, user = kept:match('^(%d+) (.*)$')
    redis.call('HINCRBY', totals, 'tokens', ARGV[3] - tokens)
    redis.call('HSET', calls, ARGV[2], string.format('%d %s', ARGV[3], user))
  end
  return 0
elseif action == 'forget' then  -- call: it was not sent
  forget(ARGV[2])
  return 0
elseif action == 'hold' then  -- milliseconds: OpenAI asked for this pause
  redis.call('HSET', totals, 'hold', math.max(number(totals, 'hold'), now + ARGV[2]))
  return 0
elseif action == 'fill' then  -- then call, user, tokens and age in milliseconds, again and again
  if redis.call('HEXISTS', totals, 'ready') == 1 then return 0 end
  for place = 2, #ARGV, 4 do grant(ARGV[place], ARGV[place + 1], tonumber(ARGV[place + 2]), now - ARGV[place + 3]) end
  redis.call('HSET', totals, 'ready', 1)
  return 1
end

-- acquire: call, user, waiter, tokens, requests and tokens a window, window, patience
local call, user, waiter = ARGV[2], ARGV[3], ARGV[4]
local tokens, most_requests, most_tokens = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local window, patience = tonumber(ARGV[8]), tonumber(ARGV[9])
if redis.call('HEXISTS', totals, 'ready') == 0 then return -1 end

for _, old in ipairs(redis.call('ZRANGEBYSCORE', grants, '-inf', now - window)) do forget(old) end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', now)) do
  local whose, which = gone:match('^(%S+) (.*)$')
  leave(whose, which)
end

redis.call('SADD', users, user)
redis.call('ZADD', waiting .. user, 'NX', now, waiter)
local mine = redis.call('ZRANK', waiting .. user, waiter) + 1
local everybody = redis.call('SMEMBERS', users)
local share = math.max(1, math.floor(most_requests / #everybody))
local owed, ahead = 0, mine
for _, other in ipairs(everybody) do
  if other ~= user then
    local many = redis.call('ZCARD', waiting .. other)
    owed = owed + math.min(many, math.max(0, share - number(totals, 'u:' .. other)))
    ahead = ahead + math.min(many, mine)
  end
end

tokens = math.min(tokens, most_tokens)  -- or it could never go
local used = redis.call('ZCARD', grants)
local room = most_requests - used
if number(totals, 'u:' .. user) >= share then room = room - owed end
local hold = number(totals, 'hold') - now
if hold <= 0 and room >= 1 and number(totals, 'tokens') + tokens <= most_tokens then
  grant(call, user, tokens, now)
  leave(user, waiter)
  return 0
end

-- It comes back when so many grants have run out as others wait before it, one of each user in turn.
local wait = 0
if used > 0 then
  local oldest = redis.call('ZRANGE', grants, (ahead - 1) % used, (ahead - 1) % used, 'WITHSCORES')
  wait = oldest[2] + window - now + math.floor((ahead - 1) / used) * window
end
if room >= 1 or used == 0 then wait = math.min(wait, math.ceil(ahead * window / most_requests)) end
wait = math.max(wait, hold + math.ceil(ahead * window / most_requests), 1)
redis.call('ZADD', expiry, now + wait + patience, user .. ' ' .. waiter)
return wait
