/** Which `llmspell` is started: that of the setting, of the project's environment, of PATH; and none that is no llmspell. */

import * as assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

import { find } from "../../../../editors/vscode/src/program";
import { projectAbove } from "../../../../editors/vscode/src/projects";
import { file, folder, running, until } from "./waiting";

/** A program at that place that says those words. */
function program(place: string, says: string): string {
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, `#!/bin/sh\necho ${says}\n`);
  chmodSync(place, 0o755);
  return place;
}

describe("the llmspell that is used", () => {
  const before = { ...process.env };
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), "llmspell-found-"));
    process.env["PATH"] = path.join(home, "bin");
    process.env["HOME"] = home;
    program(path.join(home, "bin/llmspell"), "llmspell 3.0");
  });

  afterEach(() => {
    Object.assign(process.env, before);
    rmSync(home, { recursive: true });
  });

  it("is the first on PATH that answers, where nothing else is there", async () => {
    const other = path.join(home, "other");
    program(path.join(other, "llmspell"), "something else");
    process.env["PATH"] = `${other}:${path.join(home, "bin")}`;
    assert.deepEqual(await find("", [home]), { path: path.join(home, "bin/llmspell"), version: "3.0", origin: "PATH" });
    rmSync(path.join(home, "bin/llmspell"));
    assert.equal(await find("", [home]), undefined);
  });

  for (const name of [".venv", "venv", "env"]) {
    it(`is that of the project's ${name} before the one on PATH`, async () => {
      const place = program(path.join(home, name, "bin/llmspell"), "llmspell 2.0");
      assert.deepEqual(await find("", [path.join(home, "none"), home]), { path: place, version: "2.0", origin: "environment" });
    });
  }

  it("is that of the setting before all others, however it is written, and then no other", async () => {
    const place = program(path.join(home, "tools/my-llmspell"), "llmspell 1.0");
    program(path.join(home, ".venv/bin/llmspell"), "llmspell 2.0");
    for (const setting of [place, "~/tools/my-llmspell", "./tools/my-llmspell", "tools/my-llmspell"]) {
      assert.deepEqual(await find(setting, [home]), { path: place, version: "1.0", origin: "setting" }, setting);
    }
    assert.equal((await find("llmspell", [home]))?.version, "3.0", "a bare name is looked for on PATH");
    assert.equal(await find("./nowhere", [home]), undefined);
  });

  it("may be that of a project above the folder that is open, and not of one that a stranger has put there", async () => {
    const below = path.join(home, "one/two");
    mkdirSync(below, { recursive: true });
    writeFileSync(path.join(home, "llmspell.toml"), "");
    assert.equal(await projectAbove(below), home);
    mkdirSync(path.join(home, "one/llmspell.toml"));
    assert.equal(await projectAbove(below), home, "a folder is no file of settings");
    assert.equal(await projectAbove(home), undefined, "of the one that is open it is not asked");
    if (process.getuid?.() === 0) {
      chownSync(path.join(home, "llmspell.toml"), 12345, 12345);
      assert.equal(await projectAbove(below), undefined);
      chownSync(below, 12345, 12345);
      assert.equal(await projectAbove(below), home, "who has the folder has the project");
    }
  });

  it("is used as soon as it is seen, also where somebody has installed it by hand", async () => {
    Object.assign(process.env, before);
    const { server, installation } = await running();
    const setting = vscode.workspace.getConfiguration("llmspell");
    const isStopped = until(() => (server.condition === "stopped" ? true : undefined), server.onDidChange);
    await setting.update("path", "./.venv/bin/later", vscode.ConfigurationTarget.Workspace);
    await isStopped;
    assert.equal(await installation.program(), undefined);
    await vscode.workspace.fs.copy(file(".venv/bin/llmspell"), file(".venv/bin/later"));
    assert.equal((await installation.program())?.path, file(".venv/bin/later").fsPath);
    await running();
    await setting.update("path", undefined, vscode.ConfigurationTarget.Workspace);
    await until(async () => ((await installation.program())?.origin === "environment" ? true : undefined), server.onDidChange);
    await running();
  });

  it("is another, with another language server, as soon as the setting says so", async () => {
    Object.assign(process.env, before);
    const { server, installation } = await running();
    const setting = vscode.workspace.getConfiguration("llmspell");
    const link = path.join(folder(), ".venv/bin/linked");
    for (const [value, origin, place] of [[link, "setting", link], [undefined, "environment", file(".venv/bin/llmspell").fsPath]] as const) {
      if (value !== undefined) {
        await vscode.workspace.fs.copy(file(".venv/bin/llmspell"), vscode.Uri.file(value), { overwrite: true });
      }
      const isAnother = until(() => (server.condition === "starting" ? true : undefined), server.onDidChange);
      await setting.update("path", value, vscode.ConfigurationTarget.Workspace);
      await isAnother;
      await running();
      const found = await installation.program();
      assert.deepEqual([found?.origin, found?.path], [origin, place]);
    }
  });
});
