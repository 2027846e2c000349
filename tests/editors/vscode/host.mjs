// Runs the Mocha tests inside the extension host; prints what they print and ends with their exit code.
//
//     node host.mjs EXTENSION SUITE FOLDER FILE
//
// FILE is open from the beginning, as it is for a person who comes back to it.

import { format } from "node:util";

import { open } from "./workbench.mjs";

/** Milliseconds for all tests. */
const PATIENCE = 180_000;

/** Mocha's lines are indented; the workbench, which speaks of itself in the same way, begins its own at the margin. */
function told(type, args) {
  const isOurs = type === "info" && /^(%s|\s)/.test(String(args[0]));
  if (isOurs || process.env.LLMSPELL_EDITORS_LOG) {
    console.log(format(...args));
  }
}

const [extension, suite, folder, file] = process.argv.slice(2);
let finish;
const finished = new Promise((resolve) => (finish = resolve));
const workbench = await open({
  folder,
  trusted: true,
  payload: (address) => [
    ["extensionDevelopmentPath", `vscode-remote://${address}${extension}`],
    ["extensionTestsPath", `vscode-remote://${address}${suite}`],
    ["openFile", `vscode-remote://${address}${file}`],
  ],
  before: async (page) => {
    await page.exposeFunction("codeAutomationLog", (type, args) => told(type, args));
    await page.exposeFunction("codeAutomationExit", (code) => finish(code));
  },
});
const timer = setTimeout(() => finish(3), PATIENCE);
const code = await finished;
clearTimeout(timer);
await workbench.close();
if (code === 3) {
  console.error(`host: the tests had not ended after ${PATIENCE / 1000} s`);
}
process.exit(code);
