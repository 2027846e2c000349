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
  local e = K.new_error("syntax", message or problem, { name = "SyntaxError", source = label .. ":" .. (line or 1), stack = {} })
  return nil, e
end

-- label -> {value} once loaded; names on the way, innermost last.
local loaded, by_name, loading = {}, {}, {}

local function check_cycle(label)
  for i = 1, #loading do
    if loading[i] == label then
      local circle = N.table.concat(loading, " -> ", i) .. " -> " .. label
      error(K.new_error("script", "modules require each other in a circle: " .. circle,
        { hint = "move what both need into a third module" }), 0)
    end
  end
end

function env.require(name)
  if type(name) ~= "string" then error("bad argument #1 to 'require' (string expected, got " .. type(name) .. ")", 2) end
  local site = K.here(2)
  local from = N.string.match(site, "^(.*):%d+$") or ""
  local key = from .. "\0" .. name
  if by_name[key] then return by_name[key].value end
  local module = K.ask_at(site, "module.load", nil, K.encode_args(name, from))
  local label = module.label
  if not loaded[label] then
    check_cycle(label)
    local chunk, problem = K.load_script(module.source, label)
    if not chunk then error(problem, 0) end
    loading[#loading + 1] = label
    local ok, value = N.pcall(chunk, name, label)
    for i = #loading, 1, -1 do
      if loading[i] == label then N.table.remove(loading, i) break end
    end
    if not ok then
      K.check_caught(value)
      error(value, 0)
    end
    if value == nil then value = true end
    loaded[label] = { value = value }
  end
  by_name[key] = loaded[label]
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
