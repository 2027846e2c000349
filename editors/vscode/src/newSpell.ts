/** A new spell: a project by `llmspell init` in a folder without one, else a file beside the others. */

import * as path from "node:path";
import * as vscode from "vscode";

import type { Parts } from "./commands";
import { openDocument } from "./open";
import { output } from "./program";
import { contains } from "./projects";

const LANGUAGES = [
  { label: "Lua", extension: "lua", language: "lua" },
  { label: "JavaScript", extension: "js", language: "js" },
];
const TEXTS: Record<string, string> = {
  lua: `local agent = Agent.new {
  name = "assistant",
  system_prompt = "You answer in one sentence.",
}

print(agent:chat(params.question or "What is a spell?"))
`,
  js: `const agent = new Agent({
  name: "assistant",
  systemPrompt: "You answer in one sentence.",
});

console.log(await agent.chat(params.question ?? "What is a spell?"));
`,
};

export async function newSpell(parts: Parts): Promise<void> {
  const root = projectOf(parts) ?? vscode.workspace.workspaceFolders?.[0]?.uri;
  if (root === undefined) {
    throw new Error("open a folder first: the spell is written into it");
  }
  const chosen = await vscode.window.showQuickPick(LANGUAGES, { placeHolder: "In which language?" });
  if (chosen === undefined) {
    return;
  }
  const isProject = parts.projects.roots.length > 0;
  const file = isProject ? await written(root, chosen.extension) : await begun(parts, root, chosen);
  if (file !== undefined) {
    await vscode.window.showTextDocument(file);
  }
}

/** That of the open file, else the first; of one above the folder that is open, this. */
function projectOf({ projects }: Parts): vscode.Uri | undefined {
  const open = openDocument()?.uri;
  const around = projects.parts.findLast((part) => open?.scheme === "file" && contains(part.fsPath, open.fsPath));
  return around ?? projects.parts[0];
}

/** A project with settings, stubs and its first spell. */
async function begun(
  parts: Parts,
  root: vscode.Uri,
  chosen: (typeof LANGUAGES)[number],
): Promise<vscode.Uri | undefined> {
  const program = await parts.installation.wanted();
  if (program === undefined) {
    return undefined;
  }
  await output(program.path, ["init", "--language", chosen.language, root.fsPath], root.fsPath);
  return vscode.Uri.joinPath(root, `spell.${chosen.extension}`);
}

async function written(root: vscode.Uri, extension: string): Promise<vscode.Uri | undefined> {
  const name = await vscode.window.showInputBox({
    prompt: `Name of the spell's file in ${path.basename(root.fsPath)}`,
    value: `new_spell.${extension}`,
    valueSelection: [0, "new_spell".length],
    validateInput: async (value) => {
      if (!value.endsWith(`.${extension}`) || /[\\:*?"<>|]/.test(value)) {
        return `A file name that ends with .${extension}`;
      }
      return (await exists(vscode.Uri.joinPath(root, value))) ? `${value} is there already` : undefined;
    },
  });
  if (name === undefined) {
    return undefined;
  }
  const file = vscode.Uri.joinPath(root, name);
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(TEXTS[extension] ?? ""));
  return file;
}

async function exists(file: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(file);
    return true;
  } catch {
    return false;
  }
}
