-- Seconds that only go forward. `ngx.now` is the wall clock: set back by an hour, it would delay every wait by an hour.

local ffi = require "ffi"

pcall(ffi.cdef, "extern volatile uintptr_t ngx_current_msec;")

local clock = {}

function clock.now()
  return tonumber(ffi.C.ngx_current_msec) / 1000
end

return clock
