/** Every snippet, put into an editor by the editor, is a spell in which nothing is to be found fault with. */

import * as assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";

import { output } from "../../../../editors/vscode/src/program";
import { running, until } from "./waiting";

const LANGUAGES = {
  lua: { suffix: "lua", agent: 'local agent = Agent.new { name = "agent", system_prompt = "Short." }\n' },
  javascript: { suffix: "js", agent: 'const agent = new Agent({ name: "agent", systemPrompt: "Short." });\n' },
};

/** What a spell is that holds nothing but the snippet, and an agent where it speaks of one. */
async function inserted(language: keyof typeof LANGUAGES, name: string): Promise<string> {
  const document = await vscode.workspace.openTextDocument({ language });
  await vscode.window.showTextDocument(document);
  await vscode.commands.executeCommand("editor.action.insertSnippet", { langId: language, name });
  const ask = (): string | undefined => document.getText() || undefined;
  const text = await until(ask, vscode.workspace.onDidChangeTextDocument);
  await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  return /^(local|const) agent\b/.test(text) ? text : LANGUAGES[language].agent + text;
}

describe("a snippet", () => {
  for (const [language, { suffix }] of Object.entries(LANGUAGES)) {
    it(`of ${language} is a good spell when it is put into one`, async () => {
      const { installation } = await running();
      const program = await installation.program();
      const extension = vscode.extensions.getExtension("llmspell.llmspell");
      assert.ok(program && extension);
      const listed = readFileSync(path.join(extension.extensionPath, `snippets/${language}.json`), "utf8");
      const names = Object.keys(JSON.parse(listed) as Record<string, unknown>);
      assert.ok(names.length >= 7);
      const folder = mkdtempSync(path.join(tmpdir(), "llmspell-snippets-"));
      try {
        for (const [number, name] of names.entries()) {
          const text = await inserted(language as keyof typeof LANGUAGES, name);
          assert.doesNotMatch(text, /\$\{|\$\d/, name);
          writeFileSync(path.join(folder, `${number}.${suffix}`), text);
        }
        await output(program.path, ["validate", "--strict", folder], folder);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
