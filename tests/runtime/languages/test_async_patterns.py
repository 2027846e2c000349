"""Asynchronous patterns that people write by hand: in both languages, over agents of the script's own."""

from __future__ import annotations

from typing import Any, Final

import pytest

BOTH: Final = pytest.mark.parametrize("language", ["lua", "js"])

#: Agents by name: `quick`, `steady` and `slow` answer after 2, 100 and 400 ms, `never` does not, `flaky` fails twice.
AGENTS: Final = {
    "lua": """
local running, most = 0, 0
local Worker = BaseAgent:extend("Worker")
function Worker:execute(input)
  running = running + 1
  most = math.max(most, running)
  Async.sleep(self.ms)
  running = running - 1
  self.asked = (self.asked or 0) + 1
  if self.failures and self.asked <= self.failures then error({ message = self.name .. " failed" }) end
  local text = type(input) == "table" and (input.content or input.message or input.text) or input
  return { content = tostring(text) .. ">" .. self.name }
end
local function worker(name, ms, failures) return Worker.new{ name = name, ms = ms, failures = failures } end
local agents = { quick = worker("quick", 2), steady = worker("steady", 100), slow = worker("slow", 400),
  never = worker("never", 3600000), flaky = worker("flaky", 1, 2), broken = worker("broken", 1, 99) }
local function text(output) return output.content end
""",
    "js": """
let running = 0, most = 0;
class Worker extends BaseAgent {
  async execute(input) {
    running++;
    most = Math.max(most, running);
    await Async.sleep(this.ms);
    running--;
    this.asked = (this.asked ?? 0) + 1;
    if (this.failures && this.asked <= this.failures) throw new Error(`${this.name} failed`);
    return { content: `${typeof input === "string" ? input : input.content ?? input.message ?? input.text}>${this.name}` };
  }
}
const worker = (name, ms, failures) => new Worker({ name, ms, failures });
const agents = { quick: worker("quick", 2), steady: worker("steady", 100), slow: worker("slow", 400),
  never: worker("never", 3600000), flaky: worker("flaky", 1, 2), broken: worker("broken", 1, 99) };
const text = (output) => output.content;
""",
}


async def value_of(cast: Any, language: str, source: str) -> Any:
    told = await cast(**{language: AGENTS[language] + source})
    assert told.result.error is None, told.result.error
    return told.value


@pytest.mark.mission(119)
@BOTH
async def test_all_in_parallel_each_with_its_outcome(cast: Any, language: str) -> None:
    source = {
        "lua": """
          local works = {}
          for i, name in ipairs{ "slow", "quick", "broken" } do
            works[i] = function()
              local ok, result = pcall(function() return agents[name]:execute("in") end)
              return { name = name, ok = ok, result = ok and text(result) or result.message }
            end
          end
          return { Async.settle(works), most }""",
        "js": """
          const outcomes = await Promise.allSettled(["slow", "quick", "broken"].map(async (name) => {
            try { return { name, ok: true, result: text(await agents[name].execute("in")) } }
            catch (error) { return { name, ok: false, result: error.message } }
          }));
          return [outcomes, most]""",
    }[language]
    outcomes, most = await value_of(cast, language, source)
    assert [outcome["status"] for outcome in outcomes] == ["fulfilled"] * 3
    assert [outcome["value"] for outcome in outcomes] == [
        {"name": "slow", "ok": True, "result": "in>slow"},
        {"name": "quick", "ok": True, "result": "in>quick"},
        {"name": "broken", "ok": False, "result": "broken failed"},
    ]
    assert most == 3


@pytest.mark.mission(119)
@BOTH
async def test_no_more_than_three_at_once(cast: Any, language: str) -> None:
    source = {
        "lua": """
          local results, under_way = {}, {}
          local function first_done()
            local list = {}
            for handle in pairs(under_way) do list[#list + 1] = handle end
            while true do
              for _, handle in ipairs(list) do if handle:is_complete() then return end end
              Async.sleep(1)
            end
          end
          for i = 1, 10 do
            local count = 0
            for handle in pairs(under_way) do
              if handle:is_complete() then under_way[handle] = nil else count = count + 1 end
            end
            if count >= 3 then first_done() end
            for handle in pairs(under_way) do if handle:is_complete() then under_way[handle] = nil end end
            local name = i % 2 == 0 and "quick" or "steady"
            results[i] = Async.spawn(function() return text(worker(name .. i, agents[name].ms):execute("in")) end)
            under_way[results[i]] = true
          end
          return { Async.all(results), most }""",
        "js": """
          const results = [], executing = new Set();
          for (let i = 1; i <= 10; i++) {
            if (executing.size >= 3) await Promise.race(executing);
            const name = i % 2 === 0 ? "quick" : "steady";
            const promise = worker(name + i, agents[name].ms).execute("in").then(text).finally(() => executing.delete(promise));
            executing.add(promise);
            results.push(promise);
          }
          return [await Promise.all(results), most]""",
    }[language]
    results, most = await value_of(cast, language, source)
    assert results == [f"in>{'quick' if number % 2 == 0 else 'steady'}{number}" for number in range(1, 11)]
    assert most == 3


@pytest.mark.mission(119)
@BOTH
async def test_a_task_with_a_time_out_retries_and_growing_pauses(cast: Any, language: str) -> None:
    source = {
        "lua": """
          local log = {}
          local function run(name, retries, ms)
            local failure
            for attempt = 1, retries do
              local ok, result = pcall(Async.timeout, ms, function() return agents[name]:execute("in") end)
              if ok then return { name = name, attempt = attempt, result = text(result) } end
              failure = ErrorHandler.parse_error(result)
              log[#log + 1] = name .. " " .. attempt .. ": " .. failure.type
              if attempt < retries then Async.sleep(math.floor(math.pow(2, attempt - 1)) * 2) end
            end
            return { name = name, error = failure.type }
          end
          return { run("flaky", 3, 1000), run("never", 2, 5), run("broken", 1, 1000), log }""",
        "js": """
          const log = [];
          const run = async (name, retries, ms) => {
            let failure;
            for (let attempt = 1; attempt <= retries; attempt++) {
              try {
                let timer;
                const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new TimeoutError("late")), ms) });
                const result = await Promise.race([agents[name].execute("in"), late]);
                clearTimeout(timer);
                return { name, attempt, result: text(result) };
              } catch (error) {
                failure = ErrorHandler.parseError(error);
                log.push(`${name} ${attempt}: ${failure.type}`);
                if (attempt < retries) await new Promise((resolve) => setTimeout(resolve, Math.pow(2, attempt - 1) * 2));
              }
            }
            return { name, error: failure.type };
          };
          agents.never.ms = 50;
          return [await run("flaky", 3, 1000), await run("never", 2, 5), await run("broken", 1, 1000), log]""",
    }[language]
    flaky, never, broken, log = await value_of(cast, language, source)
    assert flaky == {"name": "flaky", "attempt": 3, "result": "in>flaky"}
    assert never == {"name": "never", "error": "timeout"}
    assert broken == {"name": "broken", "error": "script"}
    assert log == ["flaky 1: script", "flaky 2: script", "never 1: timeout", "never 2: timeout", "broken 1: script"]


@pytest.mark.mission(119)
@BOTH
async def test_results_are_streamed_as_they_come(cast: Any, language: str) -> None:
    """An asynchronous generator over whichever is next, found with its index."""
    source = {
        "lua": """
          local function race_with_index(handles)
            local works = {}
            for i, handle in ipairs(handles) do works[i] = function()
              while not handle:is_complete() do Async.sleep(1) end
              return { i, handle:await_result() }
            end end
            return table.unpack(Async.race(works))
          end
          local function stream(names)
            return coroutine.wrap(function()
              local handles = {}
              for i, name in ipairs(names) do handles[i] = Async.spawn(function() return text(agents[name]:execute("in")) end) end
              while #handles > 0 do
                local index, value = race_with_index(handles)
                table.remove(handles, index)
                coroutine.yield(value)
              end
            end)
          end
          local seen = {}
          for value in stream{ "slow", "steady", "quick" } do seen[#seen + 1] = value end
          return seen""",
        "js": """
          const raceWithIndex = (promises) => new Promise((resolve, reject) =>
            promises.forEach((promise, index) => promise.then((value) => resolve({ value, index }), reject)));
          async function* stream(names) {
            const promises = names.map((name) => agents[name].execute("in").then(text));
            while (promises.length > 0) {
              const { value, index } = await raceWithIndex(promises);
              promises.splice(index, 1);
              yield value;
            }
          }
          const seen = [];
          for await (const value of stream(["slow", "steady", "quick"])) seen.push(value);
          return seen""",
    }[language]
    assert await value_of(cast, language, source) == ["in>quick", "in>steady", "in>slow"]


@pytest.mark.mission(119)
@BOTH
@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_pipeline_with_transformers_and_a_fallback(cast: Any, language: str, goes_on: bool) -> None:
    source = {
        "lua": """
          local function pipeline(input, steps)
            local current, results = input, {}
            for _, step in ipairs(steps) do
              local given = step.before and step.before(current) or current
              local ok, result = pcall(function() return text(agents[step.name]:execute(given)) end)
              if ok then
                results[#results + 1] = result
                current = step.after and step.after(result) or result
              elseif step.goes_on then
                results[#results + 1] = "skipped: " .. result.message
                current = step.fallback or current
              else
                error(result)
              end
            end
            return { current, results }
          end
          local ok, out = pcall(pipeline, "start", {
            { name = "quick", before = function(s) return s:upper() end, after = function(s) return s .. "!" end },
            { name = "broken", goes_on = GOES_ON, fallback = "fallen back" },
            { name = "steady" },
          })
          return ok and out or out.message""",
        "js": """
          const pipeline = async (input, steps) => {
            let current = input;
            const results = [];
            for (const [index, step] of steps.entries()) {
              try {
                const given = step.before ? step.before(current) : current;
                const result = text(await agents[step.name].execute(given));
                results.push(result);
                current = step.after ? step.after(result) : result;
              } catch (error) {
                if (!step.goesOn) throw error;
                results.push(`skipped: ${error.message}`);
                current = step.fallback || current;
              }
            }
            return [current, results];
          };
          try {
            return await pipeline("start", [
              { name: "quick", before: (s) => s.toUpperCase(), after: (s) => s + "!" },
              { name: "broken", goesOn: GOES_ON, fallback: "fallen back" },
              { name: "steady" },
            ]);
          } catch (error) { return error.message }""",
    }[language].replace("GOES_ON", str(goes_on).lower())
    value = await value_of(cast, language, source)
    if goes_on:
        assert value == ["fallen back>steady", ["START>quick", "skipped: broken failed", "fallen back>steady"]]
    else:
        assert value == "broken failed"


SCHEDULER: Final = """
local Scheduler = {}
Scheduler.__index = Scheduler
function Scheduler.new() return setmetatable({ tasks = {}, log = {} }, Scheduler) end
function Scheduler:add(name, work) self.tasks[name] = { co = coroutine.create(work), state = "ready" } end
function Scheduler:note(line) self.log[#self.log + 1] = line end
function Scheduler:run()
  while next(self.tasks) do
    for name, task in pairs(self.tasks) do
      local ok, result = coroutine.resume(task.co)
      if not ok then
        self:note(name .. " failed: " .. ErrorHandler.parse_error(result).message)
        self.tasks[name] = nil
      elseif coroutine.status(task.co) == "dead" then
        self:note(name .. " done: " .. tostring(result))
        self.tasks[name] = nil
      else
        task.state = "running"
      end
    end
    coroutine.yield()
  end
end
"""


@pytest.mark.mission(65, 120)
async def test_a_scheduler_of_the_scripts_own_runs_from_the_main_chunk(cast: Any) -> None:
    told = await cast(
        lua=AGENTS["lua"]
        + SCHEDULER
        + """
        local scheduler, steps = Scheduler.new(), {}
        for _, name in ipairs{ "quick", "steady" } do
          scheduler:add(name, function()
            for i = 1, 3 do
              steps[#steps + 1] = name .. i
              local found = agents[name]:execute("step " .. i)
              coroutine.yield()
              assert(text(found) == "step " .. i .. ">" .. name)
            end
            return name .. " over"
          end)
        end
        scheduler:add("broken", function() agents.broken:execute("x") end)
        scheduler:run()
        print("all done")
        table.sort(scheduler.log)
        return { steps = steps, log = scheduler.log }"""
    )
    assert told.result.error is None, told.result.error
    assert told.value["log"] == ["broken failed: broken failed", "quick done: quick over", "steady done: steady over"]
    steps = told.value["steps"]
    assert sorted(steps) == ["quick1", "quick2", "quick3", "steady1", "steady2", "steady3"]
    assert max(steps.index("quick1"), steps.index("steady1")) < min(steps.index("quick2"), steps.index("steady2"))
    assert told.output["out"] == "all done\n"


@pytest.mark.mission(120)
async def test_tasks_of_a_scheduler_may_wait_at_the_same_time(cast: Any) -> None:
    """The scheduler yields from the main chunk while what its tasks spawned goes on."""
    told = await cast(
        lua=AGENTS["lua"]
        + SCHEDULER
        + """
        local scheduler = Scheduler.new()
        for _, name in ipairs{ "quick", "steady", "slow" } do
          scheduler:add(name, function()
            local handle = Async.spawn(function() return text(agents[name]:execute("in")) end)
            while not handle:is_complete() do coroutine.yield() end
            return handle:await_result()
          end)
        end
        scheduler:run()
        return { scheduler.log, most }"""
    )
    assert told.result.error is None, told.result.error
    assert told.value == [["quick done: in>quick", "steady done: in>steady", "slow done: in>slow"], 3]


@pytest.mark.mission(120)
async def test_a_scheduled_run_is_replayed(cast: Any) -> None:
    source = (
        AGENTS["lua"]
        + SCHEDULER
        + """
      local scheduler = Scheduler.new()
      for _, name in ipairs{ "quick", "steady" } do
        scheduler:add(name, function() for i = 1, 2 do print(name, i) agents[name]:execute("x") coroutine.yield() end end)
      end
      scheduler:run()
      return scheduler.log"""
    )
    done = await cast(lua=source)
    again = await cast(lua=source, replay=done.recording)
    assert done.result.error is None
    assert (done.value, done.output) == (again.value, again.output)
    assert [event.kind for event in done.events] == [event.kind for event in again.events]
