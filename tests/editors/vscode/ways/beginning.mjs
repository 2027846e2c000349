// For whoever is new: the offer where llmspell is missing, a new spell, the walkthrough.

import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { command, lens, picks, saved } from "../person.mjs";

export async function begins(scene) {
  await misses(scene);
  await creates(scene);
  await walks(scene);
}

/** A setting that names no program: the one thing that makes llmspell missing while it is there. */
async function misses({ page, folder, photograph }) {
  const settings = path.join(folder, ".vscode", "settings.json");
  await mkdir(path.dirname(settings), { recursive: true });
  await writeFile(settings, JSON.stringify({ "llmspell.path": "./nowhere" }));
  await page.locator(".statusbar-item.warning-kind", { hasText: "llmspell" }).waitFor();
  // As a toast it is gone after a while.
  await command(page, "Notifications: Show Notifications");
  const offer = page.locator(".notifications-center .notification-list-item", { hasText: "./nowhere" }).first();
  await offer.getByRole("button", { name: "Install into .venv" }).waitFor();
  await photograph("missing");
  await command(page, "Notifications: Clear All Notifications");
  await rm(settings);
  await page.locator(".statusbar-item.warning-kind", { hasText: "llmspell" }).waitFor({ state: "detached" });
}

async function creates({ page, folder }) {
  await command(page, "llmspell: New Spell");
  await picks(page, "JavaScript");
  const box = page.locator(".quick-input-widget input").first();
  await box.fill("poem.js");
  await page.keyboard.press("Enter");
  await page.locator(".tab.active", { hasText: "poem.js" }).waitFor();
  await saved(path.join(folder, "poem.js"), /new Agent\(/);
  await lens(page, "▶ Run").waitFor();
}

async function walks({ page, photograph }) {
  await command(page, "View: Close All Editors");
  await command(page, "View: Hide Panel").catch(() => undefined);
  await command(page, "Welcome: Open Walkthrough...");
  await picks(page, "Write a spell");
  await page.locator(".getting-started-step", { hasText: "Begin a project" }).waitFor();
  await photograph("walkthrough");
}
