// Runs: started by the lens and by the button above the editor, watched as they grow, looked into afterwards.

import assert from "node:assert/strict";

import { coloured, command, lens, opens, revealed, titleButton } from "../person.mjs";

export async function runs({ page, photograph }) {
  await opens(page, "slow.lua");
  await revealed(page, lens(page, "▶ Run"));
  await command(page, "llmspell: Focus on Runs View");
  // Whatever was opened, written and saved until now has started nothing.
  await page.getByText("Nothing has run here yet.").waitFor();
  await page.keyboard.press("Control+1"); // the editor has the focus
  await lens(page, "▶ Run").hover();
  await page.locator(".workbench-hover").first().waitFor({ state: "detached" });
  await photograph("lens");
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
  await page.keyboard.press("Control+J"); // the terminal's room is for what was said

  await tree.locator(".monaco-list-row", { hasText: "offline" }).last().click();
  await page.locator(".tab", { hasText: "model offline" }).waitFor();
  await page.locator(".view-line", { hasText: /You.take.your.time/ }).waitFor();
  await page.locator(".view-line", { hasText: /Here.it.is,.at.last/ }).waitFor();
  await coloured(page, "Prompt", "slow.lua", false);
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
  await drawing.locator(".bar.model").first().waitFor(); // it opens beside the drawing, which is there to see

  await command(page, "View: Close All Editors");
  await opens(page, "many.lua");
  await titleButton(page, "Run Spell").click();
  const many = tree.locator(".monaco-list-row", { hasText: "many.lua" }).first();
  await many.locator(".codicon-wand").waitFor();
  await many.hover();
  await many.getByRole("button", { name: "Show Trace" }).click();
  // Of many rows those in sight are drawn, and at the end of the list the last ones.
  await drawing.locator(".row[aria-setsize='601']").first().waitFor();
  assert.ok((await drawing.locator(".row").count()) < 100);
  await drawing.locator("body").evaluate((body) => body.ownerDocument.defaultView.scrollTo(0, body.scrollHeight));
  await drawing.locator(".row[aria-posinset='601']").waitFor();
  await command(page, "View: Close All Editors");
  await opens(page, "greet.js");
  await titleButton(page, "Run Spell").waitFor(); // the editor has been told that this is a spell
  await page.keyboard.press("Control+F5");
  await tree.locator(".monaco-list-row", { hasText: "greet.js" }).first().waitFor();
  await develops({ page, photograph });
  await command(page, "View: Close All Editors");
}

/** The terminal interface beside the text; it ends with its terminal. */
async function develops({ page, photograph }) {
  await opens(page, "tools.lua");
  await titleButton(page, "Run Spell").waitFor();
  await command(page, "llmspell: Dev");
  await page.locator(".terminal-wrapper.active .xterm-rows").getByText("calculator").first().waitFor();
  await page.locator(".pane-body .monaco-list-row .label-name", { hasText: /^tools\.lua$/ }).first().waitFor();
  await page.locator(".editor-instance .view-lines").first().hover();
  await page.locator(".workbench-hover").first().waitFor({ state: "detached" });
  await photograph("dev");
  await command(page, "Terminal: Kill the Active Terminal Instance");
  await page.locator(".terminal-tabs-entry", { hasText: "dev tools" }).waitFor({ state: "detached" });
}
