-- The spell's own text and the modules it requires. Where modules are, the host decides.

local K = ...
local N = K.native
local error, type, raw_load = N.error, N.type, N.load
local env = K.env

-- A chunk of a script's text, or nil and the syntax error.
function K.load_script(source, label)
  local chunk, problem = raw_load(source, "@" .. label, "t", env)
  if chunk then
    K.add_label(label, chunk)
    return chunk
  end
  local _, line, message = K.split_position(problem)
  if problem == "not enough memory" then return nil, problem end
  local source = label .. ":" .. (line or 1)
  return nil, K.new_error("syntax", message or problem, { name = "SyntaxError", source = source, stack = {} })
end

-- label -> {value} once loaded; label -> {task, waiters} while loading; and what each script calls each module.
local loaded, loading, by_name = {}, {}, {}
-- task -> labels it is loading, outermost first.
local on_the_way = N.setmetatable({}, { __mode = "k" })

local function circle_error(way, label)
  local from = 1
  while way[from] ~= label do from = from + 1 end
  local circle = N.table.concat(way, " -> ", from) .. " -> " .. label
  K.throw("script", "modules require each other in a circle: " .. circle,
    { hint = "move what both need into a third module" })
end

-- Another task is loading the module: waits until it has.
local function wait_for(label)
  if not K.can_wait() then K.no_waiting("require") end
  local me, waiters = K.current_task(), loading[label].waiters
  waiters[#waiters + 1] = me
  K.park()
end

local function run_module(name, label, source)
  local task = K.current_task()
  local way = on_the_way[task] or {}
  on_the_way[task] = way
  local chunk, problem = K.load_script(source, label)
  if not chunk then error(problem, 0) end
  local record = { task = task, waiters = {} }
  loading[label], way[#way + 1] = record, label
  local ok, value = K.try(chunk, name, label)
  loading[label], way[#way] = nil, nil
  if value == nil then value = true end
  if ok then loaded[label] = { value = value } end
  for i = 1, #record.waiters do K.wake(record.waiters[i]) end
  if not ok then
    K.check_caught(value)
    error(value, 0)
  end
end

function env.require(name)
  if type(name) ~= "string" then
    error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2)
  end
  local site = K.here(2)
  local from = N.string.match(site, "^(.*):%d+$") or ""
  local key = from .. "\0" .. name
  if not by_name[key] then
    local module = K.ask_at(site, "module.load", nil, K.encode_args(name, from))
    local label = module.label
    while not loaded[label] do
      local record = loading[label]
      if record and N.rawequal(record.task, K.current_task()) then circle_error(on_the_way[record.task], label) end
      if record then wait_for(label) else run_module(name, label, module.source) end
    end
    by_name[key] = loaded[label]
  end
  return by_name[key].value
end

-- What the host gives to every spell by name.
function K.bind_values(spell)
  env.params, env.config = spell.params, spell.config
  if env.params == nil then env.params = {} end
  if env.config == nil then env.config = {} end
  for name, value in N.next, spell.globals do env[name] = value end
  K.environment = spell.env
end
