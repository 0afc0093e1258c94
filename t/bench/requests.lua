-- wrk -s requests.lua URL -- FILE
--
-- Sends the requests that "sealed bench requests" prepared, each once and in
-- their order; thread N takes them from FILE.N.  The file is mapped, so that
-- a request costs the generator one copy.

local ffi = require("ffi")
local bit = require("bit")

ffi.cdef [[
    int open(const char *name, int flags, ...);
    long lseek(int fd, long offset, int whence);
    void *mmap(void *address, size_t size, int protection, int flags, int fd,
               long offset);
]]

local SEEK_END, PROT_READ, MAP_PRIVATE = 2, 1, 2
local MAGIC = "sealed requests\n"
local NO_BODY = 0xffffffff

local threads = {}

function setup(thread)
    thread:set("index", #threads)
    table.insert(threads, thread)
end

local data, offset, left
local bodies = {}

local function integer()
    local value = bit.bswap(ffi.cast("uint32_t *", data + offset)[0])

    offset = offset + 4

    return value % 2^32
end

function init(args)
    local name = args[1] .. "." .. index
    local fd = ffi.C.open(name, 0)

    assert(fd >= 0, name .. " cannot be opened")

    local size = ffi.C.lseek(fd, 0, SEEK_END)
    local memory = ffi.C.mmap(nil, size, PROT_READ, MAP_PRIVATE, fd, 0)

    data = ffi.cast("uint8_t *", memory)
    assert(ffi.string(data, #MAGIC) == MAGIC, name .. " holds no requests")

    offset = #MAGIC

    local count = integer()

    left = integer()

    for i = 0, count - 1 do
        local length = integer()

        bodies[i] = ffi.string(data + offset, length)
        offset = offset + length
    end

    exhausted = 0
end

local last

function request()
    if left == 0 then
        exhausted = 1
        wrk.thread:stop()
        return last
    end

    left = left - 1

    local body = integer()
    local size = integer()

    last = ffi.string(data + offset, size)
    offset = offset + size

    if body ~= NO_BODY then
        last = last .. bodies[body]
    end

    return last
end

function done(summary, latency, requests)
    local ended = 0

    for _, thread in ipairs(threads) do
        ended = ended + thread:get("exhausted")
    end

    local errors = summary.errors

    io.write(string.format("result %d %d %d %d %d\n", summary.requests,
             summary.duration, errors.status,
             errors.connect + errors.read + errors.write + errors.timeout,
             ended))
    io.write(string.format("latency %d %d\n", latency:percentile(50),
             latency:percentile(99)))
end
