// For whoever is new: the item in the status bar, a setting that names no program, a new spell, the walkthrough.

import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { answers, command, lens, opens, picks, saved, told } from "../person.mjs";

export async function begins(scene) {
  await tells(scene);
  await misses(scene);
  await creates(scene);
  await walks(scene);
}

/** Which versions are in use; and the server can be started anew from there. */
async function tells({ page, photograph }) {
  await opens(page, "spell.lua");
  await lens(page, "▶ Run").waitFor();
  const item = page.locator(".statusbar-item", { hasText: "llmspell" });
  await item.hover();
  const hover = page.locator(".workbench-hover", { hasText: "Language server" });
  await hover.waitFor();
  for (const each of [/Program \d+\.\d+.*\.venv\/bin\/llmspell \(environment\)/, /Language server \d+\.\d+/, /Extension \d+\.\d+/]) {
    assert.match(await hover.innerText(), each);
  }
  await photograph("status");
  await item.click();
  const choices = page.locator(".quick-input-widget .monaco-list-row");
  for (const each of ["Restart the language server", "Show its log", "Doctor", "Runs", "Settings"]) {
    await choices.filter({ hasText: each }).first().waitFor();
  }
  await page.keyboard.press("Escape");
  await item.hover();
  const starts = item.evaluate(becomes, ".codicon-loading"); // for a moment only
  await hover.getByText("Restart").click();
  await starts;
  await item.locator(".codicon-wand").waitFor();
  await lens(page, "▶ Run").waitFor();
}

/** In the page: resolves when something that is selected so is in an element. */
function becomes(element, selector) {
  return new Promise((resolve) => {
    const look = (_, observer) => {
      if (element.querySelector(selector) !== null) {
        observer.disconnect();
        resolve();
      }
    };
    new MutationObserver(look).observe(element, { subtree: true, childList: true, attributes: true });
  });
}

/** A setting that names no program; then the person shows where one is. */
async function misses({ page, folder }) {
  const settings = path.join(folder, ".vscode", "settings.json");
  await mkdir(path.dirname(settings), { recursive: true });
  await writeFile(settings, JSON.stringify({ "llmspell.path": "./nowhere" }));
  const item = page.locator(".statusbar-item.warning-kind", { hasText: "llmspell" });
  await item.click();
  await page.locator(".quick-input-widget .monaco-list-row", { hasText: "Install llmspell into .venv" }).waitFor();
  await page.keyboard.press("Escape");
  await told(page, "./nowhere");
  await answers(page, "Choose a Program…");
  const dialog = page.locator(".quick-input-widget", { hasText: "Which program is llmspell?" });
  await dialog.locator(".monaco-list-row", { hasText: "greet.js" }).waitFor();
  await dialog.locator("input").first().fill(path.join(folder, ".venv/bin/llmspell"));
  await dialog.locator(".monaco-list-row", { hasText: "greet.js" }).waitFor({ state: "detached" });
  await dialog.locator(".monaco-list-row", { hasText: "llmspell" }).first().waitFor();
  await dialog.getByRole("button", { name: "Use as llmspell" }).click();
  await saved(settings, /\.venv\/bin\/llmspell/);
  await item.waitFor({ state: "detached" });
  await command(page, "Notifications: Clear All Notifications");
  await rm(settings);
}

/** In the project of the file that is open. */
async function creates({ page, folder }) {
  await opens(page, "orders.js");
  await command(page, "llmspell: New Spell");
  await picks(page, "JavaScript");
  const box = page.locator(".quick-input-widget input").first();
  await box.fill("poem.js");
  await page.keyboard.press("Enter");
  await page.locator(".tab.active", { hasText: "poem.js" }).waitFor();
  await saved(path.join(folder, "inner/poem.js"), /new Agent\(/);
  await lens(page, "▶ Run").waitFor();
}

async function walks({ page, photograph }) {
  await command(page, "View: Close All Editors");
  await command(page, "View: Hide Panel").catch(() => undefined);
  await command(page, "View: Close Primary Side Bar"); // what stands beside the steps needs its room
  await command(page, "Welcome: Open Walkthrough...");
  await picks(page, "Write a spell");
  await page.locator(".getting-started-step", { hasText: "Begin a project" }).waitFor();
  const beside = page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  await beside.getByText("Where llmspell is looked for").waitFor();
  await photograph("walkthrough");
}
