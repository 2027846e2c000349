// What a person does in the workbench, with keys and the mouse. Knows no llmspell.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

export async function opens(page, name) {
  await chosen(page, "Control+P", name, name);
  await page.locator(".tab.active", { hasText: name }).waitFor();
  await page.locator(".editor-instance .view-line").first().waitFor();
}

export async function command(page, title) {
  await chosen(page, "F1", `>${title}`, title);
}

/** Opens the list above, types into it and takes the row with that text; once more where the list closed meanwhile, as it
 * does when the workbench gives the focus to something else. */
async function chosen(page, key, typed, text) {
  const box = page.locator(".quick-input-widget input").first();
  const row = page.locator(".quick-input-widget .monaco-list-row", { hasText: text }).first();
  for (let tries = 0; ; tries++) {
    await page.keyboard.press(key);
    try {
      await box.fill(typed, { timeout: 8000 });
      return await row.click({ timeout: 8000 });
    } catch (error) {
      if (tries === 3) {
        throw error;
      }
      await page.keyboard.press("Escape");
    }
  }
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

/** Presses a key, and waits for what it does. */
export async function pressed(page, key, wanted) {
  await page.keyboard.press(key);
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

/** A notification with that text, in the list of all: under a driver none comes up by itself, and a terminal that opens
 * hides the list. */
export async function told(page, text, milliseconds = 60_000) {
  const wanted = page.locator(".notifications-center .notification-list-item", { hasText: text }).first();
  const list = page.locator(".notifications-center.visible");
  for (const deadline = Date.now() + milliseconds; Date.now() < deadline; ) {
    if (!(await list.isVisible())) {
      await command(page, "Notifications: Show Notifications");
    }
    try {
      await wanted.waitFor({ timeout: 2000 });
      return;
    } catch {
      // It is not yet there, or the list is not.
    }
  }
  await wanted.waitFor({ timeout: 2000 });
}

/** Presses a button of the newest notification. */
export async function answers(page, name) {
  await page.locator(".notifications-center .notification-list-item").getByRole("button", { name }).first().click();
}

export function lens(page, text) {
  return page.locator(".codelens-decoration a", { hasText: text }).first();
}

export function titleButton(page, name) {
  return page.locator(".editor-actions").getByRole("button", { name }).first();
}

/** Until two words of the text have the same colour, or have not. */
export async function coloured(page, one, other, areSame) {
  const check = ([words, wanted]) => {
    const parts = [...document.querySelectorAll(".view-line > span > span")];
    const [first, second] = words.map((word) => parts.find((part) => part.textContent.includes(word)));
    return first && second && (getComputedStyle(first).color === getComputedStyle(second).color) === wanted;
  };
  await page.waitForFunction(check, [[one, other], areSame]);
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
