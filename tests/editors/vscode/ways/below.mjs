// A folder that lies in a project is open: all is as in the whole project, whose environment and runs are above.

import { rename } from "node:fs/promises";
import path from "node:path";

import { command, lens, opens, picks, revealed, saved, titleButton } from "../person.mjs";

export async function looksUp({ page, folder, photograph }) {
  const [inner, outer] = [path.join(folder, ".."), path.join(folder, "../..")];
  const uses = (project) => page.locator(`.statusbar-item[aria-label*="${path.join(project, ".venv/bin/llmspell")}"]`).waitFor();
  await opens(page, "orders.js");
  await uses(inner);
  await command(page, "llmspell: Focus on Runs View");
  await titleButton(page, "Run Spell").click();
  const row = page.locator(".pane-body .monaco-list-row", { hasText: "orders.js" }).first();
  await row.locator(".codicon-wand").waitFor();
  await revealed(page, lens(page, "last run"));
  await photograph("below");
  await command(page, "llmspell: New Spell");
  await picks(page, "JavaScript");
  await page.locator(".quick-input-widget input").first().fill("poem.js");
  await page.keyboard.press("Enter");
  await saved(path.join(folder, "poem.js"), /new Agent\(/);
  await rename(path.join(inner, "llmspell.toml"), path.join(inner, "aside.toml")); // it lies in the outer one from now on
  await uses(outer);
  await opens(page, "orders.js");
  await revealed(page, lens(page, "Run"));
}
