// A window without a folder, in which one file is open: it is run, and so is one that has no name yet.

import { writeFile } from "node:fs/promises";
import path from "node:path";

import { command, picks, titleButton } from "../person.mjs";

export async function isAlone({ page, folder, photograph }) {
  const song = path.join(folder, "song.spell.lua");
  await writeFile(song, 'print("la la la")\n');
  const { host, origin } = new URL(page.url());
  const payload = JSON.stringify([["openFile", `vscode-remote://${host}${song}`]]);
  await page.goto(`${origin}/?ew=true&payload=${encodeURIComponent(payload)}`);
  await titleButton(page, "Run Spell").click();
  const terminal = page.locator(".terminal-wrapper.active .xterm-rows");
  await terminal.getByText("la la la").first().waitFor();
  await photograph("alone");

  await command(page, "File: New Untitled Text File");
  await page.locator(".tab.active", { hasText: "Untitled" }).waitFor();
  await page.keyboard.type('print("do re mi")');
  await command(page, "Change Language Mode");
  await page.locator(".quick-input-widget input").first().fill("Lua");
  await picks(page, "Lua");
  await page.locator(".statusbar-item", { hasText: "Lua" }).waitFor();
  await command(page, "llmspell: Run Spell");
  const dialog = page.locator(".quick-input-widget", { hasText: "Save As" });
  await dialog.locator(".monaco-list-row").first().waitFor(); // it has read the folder that it begins with
  await dialog.locator("input").first().fill(path.join(folder, "scale.lua"));
  await dialog.locator(".monaco-list-row", { hasText: "song.spell.lua" }).waitFor();
  await page.keyboard.press("Enter");
  await terminal.getByText("do re mi").first().waitFor();
}
