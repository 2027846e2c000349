// Drives the workbench as a person does, with keys and the mouse, and photographs what is there to see. The extension is
// the packaged one. Ends with 1 where a step fails or a photograph is missing.
//
//     node drive.mjs VSIX PROJECT NEWCOMER UNTRUSTED PHOTOGRAPHS [WAY …]
//
// NEWCOMER is the place of a machine without llmspell: its `bin` is all that is on PATH beside the system's programs,
// and its `project` is what is open.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";

import { isAlone } from "./ways/alone.mjs";
import { arrives } from "./ways/arriving.mjs";
import { begins } from "./ways/beginning.mjs";
import { looksUp } from "./ways/below.mjs";
import { debugs } from "./ways/debugger.mjs";
import { writes } from "./ways/language.mjs";
import { runs } from "./ways/runs.mjs";
import { distrusts } from "./ways/trust.mjs";
import { open } from "./workbench.mjs";

const [extension, project, newcomer, untrusted, photographs, ...chosen] = process.argv.slice(2);

/** By the part of a person's way in which it is taken. */
const EXPECTED = {
  language: ["completion", "diagnostics", "quick-fix", "rename"],
  runs: ["lens", "trace-live", "trace", "inspector", "waterfall", "dev"],
  debugger: ["debugger-lua", "debugger-js", "debugger-agent"],
  beginning: ["status", "walkthrough"],
  arriving: ["missing", "install-failed", "installed"],
  below: ["below", "alone"],
  trust: ["untrusted"],
};
const WAYS = { language: writes, runs, debugger: debugs, beginning: begins };
const wanted = chosen.length === 0 ? Object.keys(EXPECTED) : chosen;

const expected = wanted.flatMap((each) => EXPECTED[each]);
const failed = `failed-${wanted[0]}`;
await mkdir(photographs, { recursive: true });
for (const each of [...expected, failed]) {
  await rm(path.join(photographs, `${each}.png`), { force: true });
}
if (wanted.some((each) => each in WAYS)) {
  await session({ folder: project, trusted: true }, async (scene) => {
    for (const [name, way] of Object.entries(WAYS)) {
      if (wanted.includes(name)) {
        await way(scene);
      }
    }
  });
}
if (wanted.includes("arriving")) {
  const folder = path.join(newcomer, "project");
  await session({ folder, trusted: true, environ: without("llmspell", path.join(newcomer, "bin")) }, arrives);
}
if (wanted.includes("below")) {
  const PATH = [path.join(project, ".venv/bin"), process.env.PATH].join(path.delimiter); // there is one for the window alone
  const environ = { PATH, VSCODE_CLI: "1" };
  await session({ folder: path.join(project, "inner/parts"), trusted: true, environ }, async (scene) => {
    await looksUp(scene);
    await isAlone(scene);
  });
}
if (wanted.includes("trust")) {
  await session({ folder: untrusted, trusted: false }, distrusts);
}
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
    await photograph(failed);
    throw error;
  } finally {
    await workbench.close();
  }
}

/** The surroundings of a machine on which there is no such program; a folder of its own comes first on PATH. */
function without(program, first) {
  const others = process.env.PATH.split(path.delimiter).filter((each) => !existsSync(path.join(each, program)));
  return {
    PATH: [first, ...others].join(path.delimiter),
    VSCODE_CLI: "1", // else what a login shell makes of PATH is taken
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: path.join(first, "../index"),
  };
}
