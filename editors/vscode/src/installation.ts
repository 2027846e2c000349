/** The `llmspell` of this workspace: found once, kept, offered where there is none. Nothing of it in untrusted folders. */

import * as vscode from "vscode";

import { INSTALLED, installed } from "./environment";
import { find, type Program } from "./program";
import type { Projects } from "./projects";

const INSTALL = "Install into .venv";
const CHOOSE = "Choose a Program…";
const AGAIN = "Try Again";

export class Installation implements vscode.Disposable {
  private found: Promise<Program | undefined> | undefined;
  private offered = false;
  private isMissing = false;
  private isInstalling = false;
  private readonly changed = new vscode.EventEmitter<void>();
  /** Another program is to be used, or there is one at last. */
  readonly onDidChange = this.changed.event;
  private readonly subscription: vscode.Disposable;

  constructor(private readonly projects: Projects) {
    // Another project may have another one. Who starts it is told by the projects, and asks after this.
    this.subscription = projects.onDidChange(() => (this.found = undefined));
  }

  /** Undefined where there is none, and always while the workspace is not trusted. */
  async program(): Promise<Program | undefined> {
    if (!vscode.workspace.isTrusted) {
      return undefined;
    }
    this.found ??= find(vscode.workspace.getConfiguration("llmspell").get("path", ""), this.folders());
    const program = await this.found;
    if (program === undefined) {
      this.found = undefined;
      this.isMissing = true;
    } else if (this.isMissing) {
      this.isMissing = false;
      this.changed.fire(); // somebody has installed it by hand
    }
    return program;
  }

  /** The program for something that a person has just asked for; else says what is missing. */
  async wanted(): Promise<Program | undefined> {
    if (!(await this.trusted())) {
      return undefined;
    }
    const program = await this.program();
    if (program === undefined) {
      this.offered = false;
      await this.offer();
    }
    return program;
  }

  /** Looks again at the next need, and tells whoever uses the program. */
  forget(): void {
    this.found = undefined;
    this.isMissing = false;
    this.offered = false;
    this.changed.fire();
  }

  /** Asks once whether to install llmspell. */
  async offer(): Promise<void> {
    if (this.offered) {
      return;
    }
    this.offered = true;
    const setting = vscode.workspace.getConfiguration("llmspell").get("path", "");
    const message =
      setting === ""
        ? "llmspell was not found: neither in a .venv of this workspace nor on PATH."
        : `The setting llmspell.path names ${setting}, which does not answer as llmspell.`;
    await this.act(await vscode.window.showWarningMessage(message, INSTALL, CHOOSE));
  }

  /** In a terminal, so that everybody sees what is done; in an environment of the project's own. */
  async install(): Promise<void> {
    if (!(await this.trusted())) {
      return;
    }
    const [folder] = this.folders();
    if (folder === undefined) {
      void vscode.window.showErrorMessage("Open a folder first: llmspell is installed into an environment in it.");
      return;
    }
    if (this.isInstalling) {
      return;
    }
    this.isInstalling = true;
    const failed = await installed(folder).finally(() => (this.isInstalling = false));
    if (failed !== undefined) {
      await this.act(await vscode.window.showErrorMessage(`llmspell: ${failed}`, AGAIN, CHOOSE));
      return;
    }
    const configuration = vscode.workspace.getConfiguration("llmspell");
    if (configuration.get("path", "") !== "") {
      // Else the program that it names, and that does not answer, would be looked for again.
      await configuration.update("path", INSTALLED, vscode.ConfigurationTarget.Workspace);
    }
    this.forget();
    const program = await this.program();
    if (program !== undefined) {
      void vscode.window.showInformationMessage(`llmspell ${program.version} is installed in .venv.`);
    }
  }

  /** Says so where the folder is not. */
  async trusted(): Promise<boolean> {
    if (vscode.workspace.isTrusted) {
      return true;
    }
    const said = "llmspell runs nothing in a folder that you do not trust.";
    if ((await vscode.window.showWarningMessage(said, "Manage Trust")) !== undefined) {
      await vscode.commands.executeCommand("workbench.trust.manage");
    }
    return false;
  }

  dispose(): void {
    vscode.Disposable.from(this.subscription, this.changed).dispose();
  }

  private async act(choice: string | undefined): Promise<void> {
    if (choice === INSTALL || choice === AGAIN) {
      await this.install();
    } else if (choice === CHOOSE) {
      const [file] = (await vscode.window.showOpenDialog({ title: "Which program is llmspell?", openLabel: "Use as llmspell" })) ?? [];
      if (file !== undefined) {
        const target = vscode.workspace.workspaceFolders ? vscode.ConfigurationTarget.Workspace : true;
        await vscode.workspace.getConfiguration("llmspell").update("path", file.fsPath, target);
      }
    }
  }

  private folders(): string[] {
    const { opened, roots } = this.projects;
    return [...new Set([...opened, ...roots].map((each) => each.fsPath))];
  }
}
