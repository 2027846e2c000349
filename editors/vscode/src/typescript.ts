/** While llmspell's server runs, TypeScript's leaves it the JavaScript of the projects: `typescript/` is the plugin that
 * does so, and is told here in which folders. Where either server is not there the other says what it knows. */

import * as vscode from "vscode";

import type { Projects } from "./projects";
import type { Server } from "./server";

const PLUGIN = "llmspell-typescript";

interface TypeScript {
  getAPI(version: 0): { configurePlugin(name: string, configuration: { folders: string[] }): void } | undefined;
}

export class TypeScriptAside implements vscode.Disposable {
  private readonly disposables: vscode.Disposable[];
  private told = "[]";

  constructor(
    private readonly projects: Projects,
    private readonly server: Server,
  ) {
    const tell = (): void => void this.tell();
    this.disposables = [server.onDidChange(tell), projects.onDidChange(tell), vscode.workspace.onDidOpenTextDocument(tell)];
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private async tell(): Promise<void> {
    // Its extension is begun by the first JavaScript, and not for Lua's sake.
    const isUsed = vscode.workspace.textDocuments.some((each) => each.languageId === "javascript");
    const folders = this.server.condition === "running" ? this.projects.roots.map((each) => each.fsPath) : [];
    if (!isUsed || JSON.stringify(folders) === this.told) {
      return;
    }
    this.told = JSON.stringify(folders);
    const extension = vscode.extensions.getExtension<TypeScript>("vscode.typescript-language-features");
    (await extension?.activate())?.getAPI(0)?.configurePlugin(PLUGIN, { folders });
  }
}
