// A folder of strangers: it can be read in colours, and nothing of it is started. Its llmspell leaves a mark when it is.
// Once it is trusted, everything is there.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";

import { answers, coloured, command, lens, opens, titleButton, told } from "../person.mjs";

export async function distrusts({ page, folder, photograph }) {
  await opens(page, "spell.lua");
  await page.locator(".statusbar-item", { hasText: "llmspell" }).waitFor();
  await command(page, "llmspell: Focus on Runs View");
  await page.getByText("This folder is not trusted, so nothing is run").waitFor();
  for (const title of ["Doctor", "Debug Spell", "Run Spell", "Dev: Run", "Show Trace", "Replay Run", "Restart Language Server", "Install llmspell"]) {
    await command(page, `llmspell: ${title}`);
    await isRefused(page, photograph);
  }
  await opens(page, "shop.js");
  await page.keyboard.press("F5"); // at once: the editor's own command would ask for trust
  await isRefused(page, photograph);
  await opens(page, "spell.lua");
  assert.equal(await titleButton(page, "Run Spell").count(), 0);
  assert.equal(await lens(page, "▶ Run").count(), 0);
  assert.equal(await page.locator(".squiggly-error").count(), 0);
  await coloured(page, "system_prompt", "greeter", true);
  await coloured(page, "local", "greeter", false);
  await hasSnippets(page);
  assert.equal(existsSync(path.join(folder, ".venv/pyvenv.cfg")), false, "an environment was made in an untrusted folder");
  assert.equal(existsSync(path.join(folder, "started")), false, "the llmspell of an untrusted folder was started");
  await trusts(page);
  await lens(page, "▶ Run").waitFor();
  await coloured(page, "system_prompt", "greeter", false);
  await page.getByText("Nothing has run here yet.").waitFor();
}

const REFUSAL = "llmspell runs nothing in a folder that you do not trust";

async function isRefused(page, photograph) {
  await told(page, REFUSAL);
  await photograph("untrusted");
  await command(page, "Notifications: Clear All Notifications");
}

/** What needs no program is there. */
async function hasSnippets(page) {
  await page.keyboard.press("Control+End");
  await page.keyboard.type("agent-to");
  await page.locator(".suggest-widget.visible .monaco-list-row", { hasText: "Agent with tools" }).first().waitFor();
  await page.keyboard.press("Escape");
  await command(page, "File: Revert File");
}

/** By the button of what refuses. */
async function trusts(page) {
  await command(page, "llmspell: Doctor");
  await told(page, REFUSAL);
  await answers(page, "Manage Trust");
  await page.locator(".workspace-trust-editor").getByRole("button", { name: "Trust", exact: true }).first().click();
  await page.getByText("You trust this folder").waitFor();
  await page.locator(".monaco-modal-editor-block .codicon-close").first().click(); // it is a page over the others
  await page.locator(".workspace-trust-editor").waitFor({ state: "detached" });
}
