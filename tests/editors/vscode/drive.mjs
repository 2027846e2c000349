// Drives the workbench as a person does, with keys and the mouse, and photographs what is there to see. The extension is
// the packaged one. Ends with 1 where a step fails or a photograph is missing.
//
//     node drive.mjs VSIX PROJECT UNTRUSTED PHOTOGRAPHS [WAY …]

import assert from "node:assert/strict";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";

import { begins } from "./ways/beginning.mjs";
import { debugs } from "./ways/debugger.mjs";
import { writes } from "./ways/language.mjs";
import { runs } from "./ways/runs.mjs";
import { distrusts } from "./ways/trust.mjs";
import { open } from "./workbench.mjs";

const [extension, project, untrusted, photographs, ...chosen] = process.argv.slice(2);

/** By the part of a person's way in which it is taken. */
const EXPECTED = {
  language: ["completion", "diagnostics", "quick-fix", "rename"],
  runs: ["trace-live", "trace", "inspector", "waterfall"],
  debugger: ["debugger-lua", "debugger-js", "debugger-agent"],
  beginning: ["missing", "walkthrough"],
  trust: ["untrusted"],
};
const WAYS = { language: writes, runs, debugger: debugs, beginning: begins };
const wanted = chosen.length === 0 ? Object.keys(EXPECTED) : chosen;

await mkdir(photographs, { recursive: true });
await session({ folder: project, trusted: true }, async (scene) => {
  for (const [name, way] of Object.entries(WAYS)) {
    if (wanted.includes(name)) {
      await way(scene);
    }
  }
});
if (wanted.includes("trust")) {
  await session({ folder: untrusted, trusted: false }, distrusts);
}
const expected = wanted.flatMap((each) => EXPECTED[each]);
const taken = await readdir(photographs);
const missing = expected.filter((each) => !taken.includes(`${each}.png`));
assert.deepEqual(missing, [], "photographs that are missing");
console.log(`drive: ${expected.length} photographs in ${photographs}`);

/** scene: the page, the folder that is open in it, and what takes a photograph. */
async function session(options, way) {
  const workbench = await open({ ...options, extension });
  const { page } = workbench;
  const photograph = (name) => page.screenshot({ path: path.join(photographs, `${name}.png`) });
  try {
    await way({ page, folder: options.folder, photograph });
  } catch (error) {
    await photograph("failed");
    throw error;
  } finally {
    await workbench.close();
  }
}
