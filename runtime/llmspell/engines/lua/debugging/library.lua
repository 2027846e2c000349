-- Lua's `debug` for the debugger, and coroutines that each have its hook and know who resumed them.
--
-- Runs before the rest of the prelude, which captures the coroutine functions that it finds.

local K = ...
local debug, coroutine = debug, coroutine
local raw_create, raw_resume, running = coroutine.create, coroutine.resume, coroutine.running

K.debug = {
  sethook = debug.sethook, getinfo = debug.getinfo, getlocal = debug.getlocal, setlocal = debug.setlocal,
  getupvalue = debug.getupvalue, setupvalue = debug.setupvalue, xpcall = xpcall,
}

-- coroutine -> the one that has resumed it.
local resumed_by = setmetatable({}, { __mode = "kv" })

local function looked_at(co, ok, ...)
  if not ok then K.coroutine_failed(co, (...)) end
  return ok, ...
end

function coroutine.create(body)
  local co = raw_create(body)
  K.watch(co)
  return co
end

function coroutine.resume(co, ...)
  resumed_by[co] = running()
  return looked_at(co, raw_resume(co, ...))
end

K.resumed_by, K.main_coroutine = resumed_by, running()
