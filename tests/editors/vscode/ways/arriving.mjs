// A machine without llmspell: nobody is bothered before there is a use for it; then it is offered, every failure says what
// to do, and what is installed is used at once. Then F5 starts the spell, while other JavaScript stays the editor's. In the
// end the project is none any more, and its spell runs all the same.

import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { answers, command, goTo, lens, opens, picks, pressed, saved, told } from "../person.mjs";

export async function arrives(scene) {
  await isLeftAlone(scene);
  await installs(scene);
  await debugsAtOnce(scene);
  await installsDespiteASetting(scene);
  await runsOutsideOfAProject(scene);
}

async function isLeftAlone({ page }) {
  await opens(page, "app.js");
  const debuggers = page.locator(".quick-input-widget .monaco-list-row");
  await pressed(page, "F5", debuggers.filter({ hasText: "Node.js" }).first());
  assert.equal(await debuggers.filter({ hasText: /^llmspell$/ }).count(), 0);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".notification-list-item", { hasText: "llmspell" }).count(), 0);
  assert.equal(await page.locator(".statusbar-item", { hasText: "llmspell" }).count(), 0);
}

async function installs({ page, folder, photograph }) {
  const machine = path.dirname(folder);
  await command(page, "llmspell: New Spell");
  await picks(page, "JavaScript");
  await told(page, "llmspell was not found");
  await photograph("missing");
  await answers(page, "Install into .venv");
  await told(page, "no Python environment could be made");
  await rename(path.join(machine, "bin/python3.good"), path.join(machine, "bin/python3"));
  await answers(page, "Try Again");
  await told(page, "pip could not install llmspell");
  await photograph("install-failed");
  for (const wheel of await readdir(path.join(machine, "wheels"))) {
    await copyFile(path.join(machine, "wheels", wheel), path.join(machine, "index", wheel));
  }
  await answers(page, "Try Again");
  await told(page, "is installed in .venv");
  await photograph("installed");
  await command(page, "Notifications: Clear All Notifications");
}

async function debugsAtOnce({ page, folder }) {
  await command(page, "llmspell: New Spell");
  await picks(page, "JavaScript");
  await page.locator(".tab.active", { hasText: "spell.js" }).waitFor();
  await lens(page, "▶ Run").waitFor();
  await goTo(page, 1);
  await page.keyboard.press("F9");
  await page.locator(".codicon-debug-breakpoint").first().waitFor();
  await page.keyboard.press("F5");
  await page.locator(".codicon-debug-stackframe").first().waitFor();
  await command(page, "Remove All Breakpoints");
  await page.keyboard.press("F5");
  await page.locator(".debug-toolbar").waitFor({ state: "hidden" });
}

/** A setting that names no program would be in the way of what was installed. */
async function installsDespiteASetting({ page, folder }) {
  const settings = path.join(folder, ".vscode", "settings.json");
  await mkdir(path.dirname(settings), { recursive: true });
  await writeFile(settings, JSON.stringify({ "llmspell.path": "./nowhere" }));
  await told(page, "./nowhere");
  await answers(page, "Install into .venv");
  await saved(settings, /"llmspell\.path": ?"\.venv\/bin\/llmspell"/);
  await told(page, "is installed in .venv");
  await command(page, "Notifications: Clear All Notifications");
  await lens(page, "▶ Run").waitFor();
}

/** By its name it is a spell still, and its runs are listed, though they are kept with the user. */
async function runsOutsideOfAProject({ page, folder }) {
  await command(page, "llmspell: Focus on Runs View");
  const run = page.locator(".pane-body .monaco-list-row", { hasText: "spell.js" }).first();
  await run.waitFor(); // of the debugger
  await rm(path.join(folder, "llmspell.toml"));
  await page.getByText("Nothing has run here yet.").waitFor();
  await opens(page, "spell.js");
  await page.keyboard.press("Control+F5");
  await run.locator(".codicon-wand").waitFor();
}
