-- The line test: which line stops the spell. Only a hit, and now and then a poll, call Python.
--
-- A step is a mode, the coroutine it began in and how deep that was; it ends in that coroutine, in the one it yields to,
-- or once it is dead.

local K, host = ...
local N, D = K.native, K.debug
local sethook, getinfo = D.sethook, D.getinfo
local byte, sub, rawequal, error = N.string.byte, N.string.sub, N.rawequal, N.error
local running, status = N.coroutine.running, N.coroutine.status
local host_reached, host_poll, host_late = host.reached, host.poll, host.late

-- Lines between polls, about a millisecond: each call and each jump back has one. (Instructions are counted in the hook,
-- too: in a loop of always as many, each count may end there, where it is not told.) And instructions of an evaluation
-- between looks at the clock.
local POLL, LOOK = 2000, 5000

-- Lines at which some file stops, and label -> its lines.
local lines, by_label = {}, {}
local mode, step_co, step_depth, step_body
-- Whether `step` has been called since the line was reached: else a step that is under way goes on.
local begun = false
-- asking: who waits in the questions to the host that are under way, the outermost first.
local Debugging = { evaluating = false, failing = false, caught = false, uncaught = false, asking = {} }
K.debugging = Debugging
-- Characters of a value that are shown (inspected.py).
Debugging.SHOWN = 400

local ask, asking = host.ask, Debugging.asking

local function asked(...)
  asking[#asking] = nil
  return ...
end

function host.ask(...)
  asking[#asking + 1] = { co = running(), task = K.current_task() }
  return asked(ask(...))
end

local function over()
  K.ended = true
  error("the spell has ended", 0)
end

-- How many frames there are from a level of the running coroutine on; level 1 is the caller of this function.
local function depth_from(level)
  local low, high = 0, 1
  while getinfo(level + high, "l") do low, high = high, high * 2 end
  while high - low > 1 do
    local middle = (low + high) // 2
    if getinfo(level + middle, "l") then low = middle else high = middle end
  end
  return high
end

-- Level 3 is the line's function: 1 is this one, 2 the hook.
local function step_ends()
  if mode == "in" then return true end
  local co = running()
  if not rawequal(co, step_co) then
    local now = status(step_co)
    return now == "dead" or now == "suspended" and rawequal(co, K.resumed_by[step_co])  -- it has yielded
  end
  if getinfo(step_depth + 3, "l") then return false end
  local info = getinfo(3, "ft")
  if mode == "out" or not info.istailcall or rawequal(info.func, step_body) then return true end
  return not getinfo(step_depth + 2, "l")  -- what `return f()` calls has this depth and is called from it all the same
end

local lines_left = POLL

local function hook(_, line)
  lines_left = lines_left - 1
  if lines_left == 0 then
    lines_left = POLL
    if not host_poll() then over() end
  end
  if not mode and not lines[line] then return end
  local source = getinfo(2, "S").source
  if byte(source) ~= 64 then return end
  local label = sub(source, 2)
  local stepped = mode and step_ends()
  local of_file = by_label[label]
  if not stepped and not (of_file and of_file[line]) then return end
  local co = running()
  Debugging.stand(co)
  begun = false
  local goes_on = host_reached(label, line, stepped and "step" or "line")
  Debugging.leave()
  if not goes_on then over() end
  if begun and (mode == "over" or mode == "out") then
    step_co, step_depth, step_body = co, depth_from(3), getinfo(2, "f").func
    if mode == "out" then step_depth = step_depth - 1 end
  end
end

-- An evaluation that has taken its time ends wherever it is, and again if it catches that.
local function look(_, _)
  if host_late() then error("it took longer than a second", 0) end
end

function K.watch(co)
  if Debugging.evaluating then sethook(co, look, "", LOOK) else sethook(co, hook, "l") end
end

function Debugging.set_lines(label, list)
  by_label[label] = {}
  for i = 1, #list do by_label[label][list[i]] = true end
  lines = {}
  for _, of_file in N.next, by_label do
    for line in N.next, of_file do lines[line] = true end
  end
end

-- how: go, in, over, out. From an error on, the next line is wherever that is caught.
function Debugging.step(how)
  mode, begun = how ~= "go" and how or nil, true
  if Debugging.failing and mode then mode = "in" end
end
