// Time and chance: all of it comes from the host, so that a replay sees the same.

const timeOrigin = { value: undefined };
const now = () => floor(host.clock());

// Not named Date in this scope: its declaration would hide the native one from the whole prelude.
const HostDate = { Date: function (...args) {
  if (new.target === undefined) return `${construct(NativeDate, [now()])}`;
  return construct(NativeDate, args.length === 0 ? [now()] : args, new.target === HostDate ? NativeDate : new.target);
} }.Date;
defineProperty(HostDate, "prototype", record({ value: NativeDate.prototype, writable: false }));
defineProperty(HostDate, "length", record({ value: 7 }));
define(HostDate, "now", { now: () => now() }.now);
define(HostDate, "parse", NativeDate.parse);
define(HostDate, "UTC", NativeDate.UTC);
define(NativeDate.prototype, "constructor", HostDate);
publish("Date", HostDate);

define(Math, "random", { random: () => host.random() }.random);

define(globalThis, "performance", {
  now() {
    const reading = host.clock();
    timeOrigin.value ??= reading;
    return reading - timeOrigin.value;
  },
});

const HEX_GROUPS = [8, 4, 4, 4, 12];
const uuid4 = () => {
  const hex = host.randomHex(16);
  const variant = "89ab"[hexDigit(charCode(hex, 16)) & 3];
  const digits = `${sliceText(hex, 0, 12)}4${sliceText(hex, 13, 16)}${variant}${sliceText(hex, 17)}`;
  let text = "", start = 0;
  for (let index = 0; index < HEX_GROUPS.length; index++) {
    text += (index ? "-" : "") + sliceText(digits, start, start + HEX_GROUPS[index]);
    start += HEX_GROUPS[index];
  }
  return text;
};
const generate = { generate: () => uuid4() }.generate;
provide("uuid", { generate, v4: generate });

provide("ErrorHandler", { parseError, parse_error: parseError });

// Shared memory and blocking waits have no use in one thread, and no limit on CPU time ends a wait.
delete globalThis.Atomics;
delete globalThis.SharedArrayBuffer;
