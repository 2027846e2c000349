// What a person does in the workbench, with keys and the mouse. Knows no llmspell.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

export async function opens(page, name) {
  await page.keyboard.press("Control+P");
  const box = page.locator(".quick-input-widget input").first();
  await box.waitFor();
  await box.fill(name);
  await page.locator(".quick-input-widget .monaco-list-row", { hasText: name }).first().click();
  await page.locator(".tab.active", { hasText: name }).waitFor();
  await page.locator(".editor-instance .view-line").first().waitFor();
}

export async function command(page, title) {
  await page.keyboard.press("F1");
  const box = page.locator(".quick-input-widget input").first();
  await box.waitFor();
  await box.fill(`>${title}`);
  await page.locator(".quick-input-widget .monaco-list-row", { hasText: title }).first().click();
}

export async function picks(page, text) {
  await page.locator(".quick-input-widget .monaco-list-row", { hasText: text }).first().click();
}

export async function goTo(page, line, column = 1) {
  await page.keyboard.press("Control+G");
  const box = page.locator(".quick-input-widget input").first();
  await box.waitFor();
  await box.fill(`:${line}:${column}`);
  await page.keyboard.press("Enter");
  await page.locator(".quick-input-widget").waitFor({ state: "hidden" });
}

/** Presses a key until it is heeded: the workbench drops keys while it moves the focus. */
export async function pressed(page, key, wanted) {
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
export async function revealed(page, wanted) {
  await page.locator(".editor-instance .view-lines").first().hover();
  for (let tries = 0; tries < 40 && !(await wanted.isVisible()); tries++) {
    await page.mouse.wheel(0, -200);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await wanted.waitFor();
}

export function lens(page, text) {
  return page.locator(".codelens-decoration a", { hasText: text }).first();
}

export function titleButton(page, name) {
  return page.locator(".editor-actions").getByRole("button", { name }).first();
}

/** Until a file's text on the disk is as expected. */
export async function saved(file, expected) {
  const deadline = Date.now() + 20_000;
  let text = "";
  while (Date.now() < deadline) {
    text = await readFile(file, "utf8").catch(() => "");
    if (expected.test(text)) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.match(text, expected);
}
