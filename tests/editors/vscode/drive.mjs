// Drives the workbench as a person does, with keys and the mouse, and photographs what is there to see. The extension is
// the packaged one. Ends with 1 where a step fails or a photograph is missing.
//
//     node drive.mjs VSIX PROJECT UNTRUSTED PHOTOGRAPHS

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir } from "node:fs/promises";
import path from "node:path";

import { open } from "./workbench.mjs";

const [extension, project, untrusted, photographs] = process.argv.slice(2);
const EXPECTED = [
  "completion",
  "diagnostics",
  "quick-fix",
  "rename",
  "trace-live",
  "trace",
  "inspector",
  "waterfall",
  "walkthrough",
  "untrusted",
];

await mkdir(photographs, { recursive: true });
await session({ folder: project, trusted: true }, async (page) => {
  await completes(page);
  await diagnoses(page);
  await renames(page);
  await runs(page);
  await walks(page);
});
await session({ folder: untrusted, trusted: false }, distrusts);
const taken = await readdir(photographs);
const missing = EXPECTED.filter((each) => !taken.includes(`${each}.png`));
assert.deepEqual(missing, [], "photographs that are missing");
console.log(`drive: ${EXPECTED.length} photographs in ${photographs}`);

async function session(options, work) {
  const workbench = await open({ ...options, extension });
  try {
    await work(workbench.page);
  } catch (error) {
    await workbench.page.screenshot({ path: path.join(photographs, "failed.png") });
    throw error;
  } finally {
    await workbench.close();
  }
}

async function completes(page) {
  await opens(page, "spell.lua");
  await lens(page, "▶ Run").waitFor();
  await goTo(page, 3);
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("to");
  const list = page.locator(".suggest-widget.visible");
  await list.locator(".monaco-list-row", { hasText: "tools" }).first().waitFor();
  await photograph(page, "completion");
  await page.keyboard.press("Escape");
  await command(page, "File: Revert File");
}

async function diagnoses(page) {
  await opens(page, "greet.js");
  await goTo(page, 3);
  await page.keyboard.press("Home");
  await page.keyboard.type("temprature: 0.5, ");
  await page.keyboard.press("Control+S");
  await page.locator(".squiggly-error").first().waitFor();
  await command(page, "Problems: Focus on Problems View");
  await page.locator(".markers-panel .monaco-list-row", { hasText: "temprature" }).first().waitFor();
  await photograph(page, "diagnostics");
  await page.keyboard.press("Control+J");
  await page.locator(".markers-panel").first().waitFor({ state: "hidden" });
  await page.locator(".view-line", { hasText: "temprature" }).first().click();
  await goTo(page, 3, 4);
  const fix = page.locator(".action-widget .monaco-list-row", { hasText: "temperature" }).first();
  await pressed(page, "Control+.", fix);
  await photograph(page, "quick-fix");
  await fix.click();
  await page.locator(".squiggly-error").first().waitFor({ state: "detached" });
  await page.keyboard.press("Control+S");
  await saved("greet.js", /temperature: 0\.5/);
}

async function renames(page) {
  await opens(page, "spell.lua");
  await goTo(page, 1, 8);
  const box = page.locator(".rename-box input");
  await pressed(page, "F2", box);
  assert.equal(await box.inputValue(), "greeter");
  await box.fill("host");
  await photograph(page, "rename");
  await page.keyboard.press("Enter");
  await page.locator(".view-line", { hasText: /host:chat/ }).first().waitFor();
  await page.keyboard.press("Control+S");
  await saved("spell.lua", /local host = Agent[\s\S]*host:chat/);
}

async function runs(page) {
  await opens(page, "slow.lua");
  await revealed(page, lens(page, "▶ Run"));
  await command(page, "llmspell: Focus on Runs View");
  await page.getByText("Nothing has run here yet.").waitFor();
  await lens(page, "▶ Run").click();
  const tree = page.locator(".pane-body .monaco-list");
  const live = tree.locator(".monaco-list-row", { hasText: "slow.lua" }).first();
  await live.locator(".codicon-loading").waitFor();
  // The quick agent has answered and the slow one is being waited for.
  await tree.locator(".monaco-list-row", { hasText: "offline" }).first().waitFor();
  await tree.locator(".codicon-loading").nth(1).waitFor();
  await photograph(page, "trace-live");
  await live.locator(".codicon-loading").waitFor({ state: "detached" });
  await revealed(page, page.locator(".codelens-decoration", { hasText: "last run" }).first());
  await photograph(page, "trace");

  await tree.locator(".monaco-list-row", { hasText: "offline" }).last().click();
  await page.locator(".tab", { hasText: "model offline" }).waitFor();
  await page.locator(".view-line", { hasText: /You.take.your.time/ }).waitFor();
  await photograph(page, "inspector");

  await live.hover();
  await live.getByRole("button", { name: "Show Trace" }).click();
  const drawing = page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  await drawing.locator(".bar.model").first().waitFor();
  assert.ok((await drawing.locator(".row").count()) >= 5);
  await photograph(page, "waterfall");
  await drawing.locator(".row", { hasText: "quick" }).first().click();
  await page.locator(".tab", { hasText: "agent quick" }).waitFor();
}

async function walks(page) {
  await command(page, "View: Close All Editors");
  await page.keyboard.press("Control+J");
  await command(page, "Welcome: Open Walkthrough...");
  await page.locator(".quick-input-widget .monaco-list-row", { hasText: "Write a spell" }).click();
  await page.locator(".getting-started-step", { hasText: "Begin a project" }).waitFor();
  await photograph(page, "walkthrough");
}

/** The llmspell of this folder leaves a mark when it is started. */
async function distrusts(page) {
  await opens(page, "spell.lua");
  await page.locator(".statusbar-item", { hasText: "llmspell" }).waitFor();
  await command(page, "llmspell: Focus on Runs View");
  await page.getByText("This folder is not trusted, so nothing is run").waitFor();
  await command(page, "llmspell: Doctor");
  await command(page, "Notifications: Show Notifications");
  await page.getByText("llmspell runs nothing in a folder that you do not trust").first().waitFor();
  await photograph(page, "untrusted");
  assert.equal(await lens(page, "▶ Run").count(), 0);
  assert.equal(await page.locator(".squiggly-error").count(), 0);
  assert.equal(existsSync(path.join(untrusted, "started")), false, "the llmspell of an untrusted folder was started");
}

// What a person does

async function opens(page, name) {
  await page.keyboard.press("Control+P");
  const box = page.locator(".quick-input-widget input").first();
  await box.waitFor();
  await box.fill(name);
  await page.locator(".quick-input-widget .monaco-list-row", { hasText: name }).first().click();
  await page.locator(".tab.active", { hasText: name }).waitFor();
  await page.locator(".editor-instance .view-line").first().waitFor();
}

async function command(page, title) {
  await page.keyboard.press("F1");
  const box = page.locator(".quick-input-widget input").first();
  await box.waitFor();
  await box.fill(`>${title}`);
  await page.locator(".quick-input-widget .monaco-list-row", { hasText: title }).first().click();
}

async function goTo(page, line, column = 1) {
  await page.keyboard.press("Control+G");
  const box = page.locator(".quick-input-widget input").first();
  await box.waitFor();
  await box.fill(`:${line}:${column}`);
  await page.keyboard.press("Enter");
  await page.locator(".quick-input-widget").waitFor({ state: "hidden" });
}

/** Presses a key until it is heeded: the workbench drops keys while it moves the focus. */
async function pressed(page, key, wanted) {
  for (let tries = 0; tries < 4; tries++) {
    await page.keyboard.press(key);
    try {
      await wanted.waitFor({ timeout: 8000 });
      return;
    } catch {
      await page.keyboard.press("Escape");
    }
  }
  await wanted.waitFor();
}

/** The editor keeps its lines in place when a lens comes above the first one, which is then to be scrolled to. */
async function revealed(page, wanted) {
  await page.locator(".editor-instance .view-lines").first().hover();
  for (let tries = 0; tries < 40 && !(await wanted.isVisible()); tries++) {
    await page.mouse.wheel(0, -200);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await wanted.waitFor();
}

function lens(page, text) {
  return page.locator(".codelens-decoration a", { hasText: text }).first();
}

async function saved(name, expected) {
  const deadline = Date.now() + 20_000;
  let text = "";
  while (Date.now() < deadline) {
    text = await readFile(path.join(project, name), "utf8");
    if (expected.test(text)) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.match(text, expected);
}

async function photograph(page, name) {
  await page.screenshot({ path: path.join(photographs, `${name}.png`) });
}
