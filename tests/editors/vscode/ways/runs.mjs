// Runs: started by the lens and by the button above the editor, watched as they grow, looked into afterwards.

import assert from "node:assert/strict";

import { command, lens, opens, revealed, titleButton } from "../person.mjs";

export async function runs({ page, photograph }) {
  await opens(page, "slow.lua");
  await revealed(page, lens(page, "▶ Run"));
  await command(page, "llmspell: Focus on Runs View");
  // Whatever was opened, written and saved until now has started nothing.
  await page.getByText("Nothing has run here yet.").waitFor();
  await lens(page, "▶ Run").click();
  const tree = page.locator(".pane-body .monaco-list");
  const live = tree.locator(".monaco-list-row", { hasText: "slow.lua" }).first();
  await live.locator(".codicon-loading").waitFor();
  // The quick agent has answered and the slow one is being waited for.
  await tree.locator(".monaco-list-row", { hasText: "offline" }).first().waitFor();
  await tree.locator(".codicon-loading").nth(1).waitFor();
  await photograph("trace-live");
  await live.locator(".codicon-loading").waitFor({ state: "detached" });
  await revealed(page, page.locator(".codelens-decoration", { hasText: "last run" }).first());
  await photograph("trace");

  await tree.locator(".monaco-list-row", { hasText: "offline" }).last().click();
  await page.locator(".tab", { hasText: "model offline" }).waitFor();
  await page.locator(".view-line", { hasText: /You.take.your.time/ }).waitFor();
  await photograph("inspector");

  await live.hover();
  await live.getByRole("button", { name: "Show Trace" }).click();
  const drawing = page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  await drawing.locator(".bar.model").first().waitFor();
  assert.ok((await drawing.locator(".row").count()) >= 5);
  await page.locator(".view-line", { hasText: /You.take.your.time/ }).hover(); // and no tooltip covers the tree
  await page.locator(".workbench-hover").first().waitFor({ state: "hidden" });
  await photograph("waterfall");
  await drawing.locator(".row", { hasText: "quick" }).first().click();
  await page.locator(".tab", { hasText: "agent quick" }).waitFor();

  await command(page, "View: Close All Editors");
  await opens(page, "spell.lua");
  await titleButton(page, "Run Spell").click();
  await tree.locator(".monaco-list-row", { hasText: "spell.lua" }).first().waitFor();
  await command(page, "View: Close All Editors");
}
