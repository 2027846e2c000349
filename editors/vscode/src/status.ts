/** The item of the status bar: whether the language server is well, which versions are in use, what can be done. */

import * as vscode from "vscode";

import type { Parts } from "./commands";
import { openDocument } from "./open";

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("llmspell.status", vscode.StatusBarAlignment.Right, 90);
  private turn = 0;
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly parts: Parts) {
    this.item.name = "llmspell";
    this.item.command = "llmspell.menu";
    this.disposables = [
      this.item,
      parts.server.onDidChange(() => this.draw()),
      parts.projects.onDidChange(() => this.draw()),
      parts.installation.onDidChange(() => this.draw()),
      vscode.window.onDidChangeActiveTextEditor(() => this.draw()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.draw()),
    ];
    void this.draw();
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private async draw(): Promise<void> {
    const turn = ++this.turn;
    const { projects, server, installation } = this.parts;
    const document = openDocument();
    if (projects.roots.length === 0 && (document === undefined || !projects.isOurs(document))) {
      this.item.hide();
      return;
    }
    const program = await installation.program();
    if (turn !== this.turn) {
      return; // what was asked before the last change tells of then
    }
    const problem = !vscode.workspace.isTrusted
      ? "This folder is not trusted: nothing is started in it."
      : program === undefined
        ? "llmspell was not found."
        : server.condition === "stopped"
          ? "The language server is not running."
          : "";
    const mark = problem !== "" ? "$(warning)" : server.condition === "starting" ? "$(loading~spin)" : "$(wand)";
    this.item.text = `${mark} llmspell ${server.version ?? program?.version ?? ""}`.trimEnd();
    this.item.backgroundColor =
      problem === "" ? undefined : new vscode.ThemeColor("statusBarItem.warningBackground");
    const lines = [
      problem,
      program === undefined ? "" : `Program ${program.version}: \`${program.path}\` (${program.origin})`,
      server.version === undefined ? "" : `Language server ${server.version}`,
      `Extension ${String(vscode.extensions.getExtension("llmspell.llmspell")?.packageJSON.version)}`,
      "[Restart](command:llmspell.restart) · [Log](command:llmspell.showLog) · [Doctor](command:llmspell.doctor)",
    ];
    const tooltip = new vscode.MarkdownString(lines.filter(Boolean).join("\n\n"));
    tooltip.isTrusted = { enabledCommands: ["llmspell.restart", "llmspell.showLog", "llmspell.doctor"] };
    this.item.tooltip = tooltip;
    this.item.show();
  }
}
