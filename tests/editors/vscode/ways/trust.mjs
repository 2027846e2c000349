// A folder of strangers: it can be read in colours, and nothing of it is started. Its llmspell leaves a mark when it is.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";

import { command, lens, opens, titleButton } from "../person.mjs";

export async function distrusts({ page, folder, photograph }) {
  await opens(page, "spell.lua");
  await page.locator(".statusbar-item", { hasText: "llmspell" }).waitFor();
  await command(page, "llmspell: Focus on Runs View");
  await page.getByText("This folder is not trusted, so nothing is run").waitFor();
  for (const title of ["llmspell: Doctor", "llmspell: Debug Spell"]) {
    await command(page, title);
    await command(page, "Notifications: Show Notifications");
    await page.getByText("llmspell runs nothing in a folder that you do not trust").first().waitFor();
    await photograph("untrusted");
    await command(page, "Notifications: Clear All Notifications");
  }
  assert.equal(await titleButton(page, "Run Spell").count(), 0);
  assert.equal(await lens(page, "▶ Run").count(), 0);
  assert.equal(await page.locator(".squiggly-error").count(), 0);
  assert.equal(existsSync(path.join(folder, "started")), false, "the llmspell of an untrusted folder was started");
}
