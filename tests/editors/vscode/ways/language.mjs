// While a spell is written: completion, mistakes and their repair, renaming.

import assert from "node:assert/strict";
import path from "node:path";

import { coloured, command, goTo, lens, opens, pressed, saved } from "../person.mjs";

export async function writes(scene) {
  await completes(scene);
  await diagnoses(scene);
  await renames(scene);
}

async function completes({ page, photograph }) {
  await opens(page, "spell.lua");
  await lens(page, "▶ Run").waitFor();
  // By meaning: to the editor's own grammar the field of a table is as plain as a variable.
  await coloured(page, "system_prompt", "greeter", false);
  await goTo(page, 3);
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("to");
  const list = page.locator(".suggest-widget.visible");
  await list.locator(".monaco-list-row", { hasText: "tools" }).first().waitFor();
  await photograph("completion");
  await page.keyboard.press("Escape");
  await command(page, "File: Revert File");
}

async function diagnoses({ page, folder, photograph }) {
  await opens(page, "greet.js");
  await goTo(page, 3);
  await page.keyboard.press("Home");
  await page.keyboard.type("temprature: 0.5, ");
  await page.keyboard.press("Control+S");
  await page.locator(".tab.active:not(.dirty)", { hasText: "greet.js" }).waitFor();
  await page.locator(".squiggly-error").first().waitFor();
  await command(page, "Problems: Focus on Problems View");
  await page.locator(".markers-panel .monaco-list-row", { hasText: "temprature" }).first().waitFor();
  await page.getByText("Analyzing").waitFor({ state: "hidden" }); // the other language server of JavaScript is done too
  await photograph("diagnostics");
  await page.keyboard.press("Control+J");
  await page.locator(".markers-panel").first().waitFor({ state: "hidden" });
  await page.locator(".view-line", { hasText: "temprature" }).first().click();
  await goTo(page, 3, 4);
  const fix = page.locator(".action-widget .monaco-list-row", { hasText: "temperature" }).first();
  await pressed(page, "Control+.", fix);
  await photograph("quick-fix");
  await fix.click();
  await page.locator(".squiggly-error").first().waitFor({ state: "detached" });
  await page.keyboard.press("Control+S");
  await saved(path.join(folder, "greet.js"), /temperature: 0\.5/);
}

async function renames({ page, folder, photograph }) {
  await opens(page, "spell.lua");
  await goTo(page, 1, 8);
  const box = page.locator(".rename-box input");
  await pressed(page, "F2", box);
  assert.equal(await box.inputValue(), "greeter");
  await box.fill("host");
  await photograph("rename");
  await page.keyboard.press("Enter");
  await page.locator(".view-line", { hasText: /host:chat/ }).first().waitFor();
  await page.keyboard.press("Control+S");
  await saved(path.join(folder, "spell.lua"), /local host = Agent[\s\S]*host:chat/);
}
