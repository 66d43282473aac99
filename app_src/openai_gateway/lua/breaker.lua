-- Whether OpenAI may be asked at all. Times are the server's own, in milliseconds.
--
-- state   hash: open_until, pause, probe (the call that tries), probe_until
-- recent  sorted set: "call failed slow" -> when it ended
local state, recent = KEYS[1], KEYS[2]
local action, call = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local open_until = tonumber(redis.call('HGET', state, 'open_until') or nil)

local function open(pause)
  redis.call('HSET', state, 'open_until', now + pause, 'pause', pause)
  redis.call('HDEL', state, 'probe', 'probe_until')
  redis.call('DEL', recent)
end

if action == 'allow' then  -- call, lease: 0 when it may go, else how long to wait at least
  if not open_until then return 0 end
  if now < open_until then return open_until - now end
  local probe_until = tonumber(redis.call('HGET', state, 'probe_until') or '0')
  if now < probe_until then return probe_until - now end
  redis.call('HSET', state, 'probe', call, 'probe_until', now + ARGV[3])
  return 0
elseif action == 'forget' then  -- call: it was not sent; another may try
  if redis.call('HGET', state, 'probe') == call then redis.call('HDEL', state, 'probe', 'probe_until') end
  return 0
elseif action == 'trip' then  -- call, pause
  open(tonumber(ARGV[3]))
  return 2
elseif action == 'look' then  -- 0 closed, 1 half-open, 2 open
  if not open_until then return 0 end
  return now < open_until and 2 or 1
end

-- record: call, failed, slow, window, least, failed percent, slow percent, pause, longest pause
local failed, slow, window, least = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local pause, longest = tonumber(ARGV[9]), tonumber(ARGV[10])
if open_until then
  -- Whoever was sent before it opened says nothing about now.
  if redis.call('HGET', state, 'probe') ~= call then return 2 end
  if failed == 0 and slow == 0 then
    redis.call('DEL', state, recent)
    return 0
  end
  open(math.min(longest, tonumber(redis.call('HGET', state, 'pause')) * 2))
  return 2
end
redis.call('ZADD', recent, now, string.format('%s %d %d', call, failed, slow))
redis.call('ZREMRANGEBYSCORE', recent, '-inf', now - window)
redis.call('PEXPIRE', recent, window)
local all, fails, slows = 0, 0, 0
for _, ended in ipairs(redis.call('ZRANGE', recent, 0, -1)) do
  local f, s = ended:match(' (%d) (%d)$')
  all, fails, slows = all + 1, fails + f, slows + s
end
if all >= least and (fails * 100 >= all * ARGV[7] or slows * 100 >= all * ARGV[8]) then
  open(pause)
  return 2
end
return 0
