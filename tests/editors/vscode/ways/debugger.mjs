// The debugger: breakpoints set and hit in both languages, started by the lens, by F5 and by the command; one on agents.

import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { command, goTo, lens, opens, pressed, revealed, titleButton } from "../person.mjs";

export async function debugs(scene) {
  await stopsInLua(scene);
  await stopsAtAgents(scene);
  await stopsInJavaScript(scene);
  await startsWhatIsChosen(scene);
}

async function stopsInLua({ page, photograph }) {
  await breaks(page, "shop.lua", 6);
  await revealed(page, lens(page, "Debug"));
  await lens(page, "Debug").click();
  await stopped(page, "shop.lua", "total");
  await scope(page, "State").waitFor();
  await expanded(page, "Locals");
  await variable(page, /^sum.*0/).waitFor();
  await variable(page, /^price.*2/).waitFor();
  await page.locator(".view-line", { hasText: /local.sum.=.0.*sum.=.0/ }).waitFor(); // the value behind the line
  await expanded(page, "Agents");
  await variable(page, /^clerk/).waitFor();
  await photograph("debugger-lua");
  await page.locator(".view-line").first().click();
  await pressed(page, "F10", page.locator(".debug-call-stack .monaco-list-row", { hasText: "5:1" }).first());
  await variable(page, /^sum.*2/).waitFor();
  await command(page, "Remove All Breakpoints");
  await goesOn(page, "It is 10");
}

async function stopsInJavaScript({ page, photograph }) {
  await breaks(page, "shop.js", 6);
  await opens(page, "shop.lua");
  await opens(page, "shop.js");
  await page.keyboard.press("F5"); // at once; it asks nothing, though the editor has debuggers for JavaScript
  await stopped(page, "shop.js", "total");
  await expanded(page, "Locals");
  await variable(page, /^sum.*0/).waitFor();
  await variable(page, /^price.*2/).waitFor();
  // Who awaits it is asked for a moment after the innermost frame.
  await page.locator(".debug-call-stack .monaco-list-row", { hasText: "main chunk" }).first().waitFor();
  await photograph("debugger-js");
  await command(page, "Remove All Breakpoints");
  await goesOn(page, "It is 10");
}

/** F5 without a launch.json: the spell that is open. */
async function stopsAtAgents({ page, photograph }) {
  await opens(page, "shop.lua");
  await command(page, "Add Function Breakpoint");
  const box = page.locator(".debug-breakpoints input.input").first();
  await box.waitFor();
  await box.fill("agent:clerk");
  await page.keyboard.press("Enter");
  await opens(page, "shop.lua");
  await page.keyboard.press("F5");
  await stopped(page, "shop.lua", "agent");
  await page.getByText("before agent").first().waitFor();
  await variable(page, /^agent_name.*clerk/).waitFor();
  await page.getByText("Load More Stack Frames").waitFor({ state: "hidden" });
  await photograph("debugger-agent");
  await command(page, "Remove All Breakpoints");
  await goesOn(page, "It is 10");
}

/** With a launch.json F5 is the editor's: it starts what stands there, whichever file is open. */
async function startsWhatIsChosen({ page, folder }) {
  const settings = path.join(folder, ".vscode");
  const entry = { type: "llmspell", request: "launch", name: "Ours", program: "${workspaceFolder}/spell.lua", stopOnEntry: true };
  await mkdir(settings, { recursive: true });
  await writeFile(path.join(settings, "launch.json"), JSON.stringify({ version: "0.2.0", configurations: [entry] }));
  await page.locator(".debug-viewlet, .viewlet, .part.sidebar").getByText("Ours").first().waitFor();
  await page.locator(".editor-instance .view-lines").first().click();
  await pressed(page, "F5", page.locator(".tab.active", { hasText: "spell.lua" }));
  await page.locator(".codicon-debug-stackframe").first().waitFor();
  await page.keyboard.press("Shift+F5");
  await page.locator(".debug-toolbar").waitFor({ state: "hidden" });
  await rm(settings, { recursive: true });
}

async function breaks(page, name, line) {
  await opens(page, name);
  await goTo(page, line);
  await pressed(page, "F9", page.locator(".codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified").first());
  await titleButton(page, "Run Spell").waitFor(); // the editor has been told that this is a spell
}

async function stopped(page, name, caller) {
  await page.locator(".codicon-debug-stackframe").first().waitFor();
  await page.locator(".debug-call-stack .monaco-list-row", { hasText: caller }).first().waitFor();
  await page.locator(".tab.active", { hasText: name }).waitFor();
}

async function goesOn(page, printed) {
  await page.keyboard.press("F5");
  await page.locator(".debug-toolbar").waitFor({ state: "hidden" });
  await command(page, "Debug Console: Focus on Debug Console View");
  await page.locator(".repl .monaco-list-row", { hasText: printed }).first().waitFor();
  await page.locator(".editor-instance .view-lines").first().click();
}

/** The views for which there is no use are folded: scopes and what is in them need the room. */
async function expanded(page, name) {
  for (const pane of ["Watch", "Loaded Scripts"]) {
    const header = page.locator(`.pane-header[aria-expanded="true"]`, { hasText: pane }).first();
    if (await header.isVisible()) {
      await header.click();
    }
  }
  const row = page.locator(".debug-variables .monaco-list-row", { has: page.locator(".scope", { hasText: name }) }).first();
  await row.waitFor();
  if ((await row.getAttribute("aria-expanded")) !== "true") {
    await row.click();
  }
}

function variable(page, text) {
  return page.locator(".debug-variables .monaco-list-row", { hasText: text }).first();
}

function scope(page, name) {
  return page.locator(".debug-variables .monaco-list-row .scope", { hasText: name }).first();
}
