-- Do one thing with the values of a place.
--
-- KEYS: the values, when they expire, how many bytes all of them have.
-- ARGV: what to do (get, set, delete, increment), the key, its value or what to add, its time to live in ms or -1, how many bytes
-- there may be, after which time without a change in ms the place is forgotten, and how many bytes an entry takes beside
-- its key and value.
-- Gives a word (ok, none, quota, number) and what was asked for.
local what, key, value, ttl = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local entry = tonumber(ARGV[7])

-- A server that is short of memory may have thrown away some of the three alone.
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[2], KEYS[3])
elseif redis.call('EXISTS', KEYS[3]) == 0 then
    local taken = 0
    for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
        taken = taken + entry + #name + redis.call('HSTRLEN', KEYS[1], name)
    end
    redis.call('SET', KEYS[3], taken)
end

local function forget(name)
    local held = redis.call('HSTRLEN', KEYS[1], name)
    if redis.call('HDEL', KEYS[1], name) == 1 then
        redis.call('DECRBY', KEYS[3], entry + #name + held)
    end
    redis.call('ZREM', KEYS[2], name)
end

for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
    forget(name)
end
-- There may be more that have expired than were forgotten now.
local expires = redis.call('ZSCORE', KEYS[2], key)
if expires and tonumber(expires) <= now then
    forget(key)
end

if what == 'get' then
    local held = redis.call('HGET', KEYS[1], key)
    return held and { 'ok', held } or { 'none' }
end
if what == 'delete' then
    forget(key)
    return { 'ok' }
end

local held = redis.call('HGET', KEYS[1], key)
local expiry = nil
if what == 'increment' then
    -- Numbers of Lua are not exact: the server adds, where it can.
    local added = redis.pcall('HINCRBY', KEYS[1], key, value)
    if type(added) == 'table' and added.err then
        if string.find(added.err, 'not an integer') or string.find(added.err, 'overflow') then
            return { 'number' }
        end
        return added
    end
    value = redis.call('HGET', KEYS[1], key)
    if not held and ttl >= 0 then
        expiry = now + ttl
    end
elseif ttl >= 0 then
    expiry = now + ttl
end
local more = #value - (held and #held or -(entry + #key))
local taken = tonumber(redis.call('GET', KEYS[3]) or '0')
if taken + more > tonumber(ARGV[5]) then
    if what == 'increment' then
        if held then
            redis.call('HSET', KEYS[1], key, held)
        else
            redis.call('HDEL', KEYS[1], key)
        end
    end
    return { 'quota' }
end
if what == 'set' then
    redis.call('HSET', KEYS[1], key, value)
    redis.call('ZREM', KEYS[2], key)
end
if expiry then
    redis.call('ZADD', KEYS[2], expiry, key)
end
redis.call('INCRBY', KEYS[3], more)
for at = 1, 3 do
    redis.call('PEXPIRE', KEYS[at], ARGV[6])
end
return what == 'increment' and { 'ok', value } or { 'ok' }
