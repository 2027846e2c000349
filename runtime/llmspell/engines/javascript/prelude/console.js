// console and process: what a spell prints, and the little of its process that it may see.

const inspectTop = (value) => (typeof value === "string" ? value : inspect(value));

const placeholder = (kind, value) => {
  switch (kind) {
    case "s":
      return typeof value === "string" || !isObject(value) ? textOf(value) : inspect(value);
    case "d":
      return typeof value === "bigint" ? `${value}n` : `${NativeNumber(value)}`;
    case "i":
      return `${trunc(NativeNumber(value))}`;
    case "f":
      return `${NativeNumber(value)}`;
    case "j":
      return jsonOf(value);
    default:
      return inspect(value);
  }
};
const textOf = (value) => (typeof value === "symbol" ? symbolText(value) : `${value}`);

const formatLine = (args) => {
  let next = 0, text = "";
  if (args.length > 1 && typeof args[0] === "string" && findText(args[0], "%") >= 0) {
    const template = args[next++];
    for (let index = 0; index < template.length; index++) {
      const kind = template[index] === "%" ? template[index + 1] : undefined;
      if (kind === "%") text += template[index++];
      else if (kind !== undefined && findText("sdifjoO", kind) >= 0 && next < args.length) {
        text += placeholder(kind, args[next++]);
        index++;
      } else text += template[index];
    }
    if (next < args.length) text += " ";
  }
  for (let index = next; index < args.length; index++) text += (index > next ? " " : "") + inspectTop(args[index]);
  return text;
};

const print = (stream, text) => host.tell("print", `[${jsonOf(stream)},${jsonOf(text)}]`, here());

let margin = "";
const printLine = (stream, args) => {
  const text = formatLine(args);
  print(stream, `${margin ? margin + join(splitText(text, "\n"), `\n${margin}`) : text}\n`);
};

const counts = new NativeMap(), clocks = new NativeMap();

provide("console", {
  log(...args) { printLine("out", args); },
  info(...args) { printLine("out", args); },
  debug(...args) { printLine("out", args); },
  warn(...args) { printLine("err", args); },
  error(...args) { printLine("err", args); },
  trace(...args) { printLine("err", [`Trace: ${formatLine(args)}\n${render(trace())}`]); },
  dir(value) { printLine("out", [inspect(value)]); },
  table(value) { printLine("out", [inspect(value)]); },
  assert(condition, ...args) {
    if (!condition) printLine("err", [args.length ? `Assertion failed: ${formatLine(args)}` : "Assertion failed"]);
  },
  group(...args) {
    if (args.length) printLine("out", args);
    margin += "  ";
  },
  groupEnd() { margin = sliceText(margin, 2); },
  count(label = "default") {
    mapSet(counts, label, (mapGet(counts, label) || 0) + 1);
    printLine("out", [`${label}: ${mapGet(counts, label)}`]);
  },
  time(label = "default") { mapSet(clocks, label, host.clock()); },
  timeEnd(label = "default") {
    const began = mapGet(clocks, label);
    if (began === undefined) return;
    mapDelete(clocks, label);
    printLine("out", [`${label}: ${floor((host.clock() - began) * 1000) / 1000}ms`]);
  },
});

const stdoutLike = (stream) => ({
  write(text) {
    print(stream, typeof text === "string" ? text : textOf(text));
    return true;
  },
});
const process = { env: freeze({}), argv: [], stdout: stdoutLike("out"), stderr: stdoutLike("err") };
define(process, "nextTick", (work, ...args) => {
  mustBeFunction("process.nextTick", work);
  queueNativeMicrotask(() => uncaught(work, args));
});
provide("process", process);
