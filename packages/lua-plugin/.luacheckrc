std = "ngx_lua"
read_globals = { "kong" }
-- Methods that Kong calls on the handler need not use it.
self = false
max_line_length = 120
