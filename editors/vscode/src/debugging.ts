/** Debug sessions of spells: what one is started with, and the program that serves it. Knows no protocol; the editor
 * speaks it with `llmspell dap`. */

import * as path from "node:path";
import * as vscode from "vscode";

import type { Installation } from "./installation";
import { openDocument } from "./open";
import { plain } from "./program";
import type { Projects } from "./projects";

export const TYPE = "llmspell";

/** What stands in `launch.json`; the package's schema describes it. */
export interface Launch extends vscode.DebugConfiguration {
  program?: string;
  cwd?: string;
}

export class Debugging
  implements vscode.DebugConfigurationProvider, vscode.DebugAdapterDescriptorFactory, vscode.Disposable
{
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly projects: Projects,
    private readonly installation: Installation,
  ) {
    const { Dynamic, Initial } = vscode.DebugConfigurationProviderTriggerKind;
    this.disposables = [
      vscode.debug.registerDebugConfigurationProvider(TYPE, this, Initial),
      // The list of the view "Run and Debug" where no launch.json names the spell.
      vscode.debug.registerDebugConfigurationProvider(
        TYPE,
        { provideDebugConfigurations: () => this.ofOpenSpell() },
        Dynamic,
      ),
      vscode.debug.registerDebugAdapterDescriptorFactory(TYPE, this),
    ];
  }

  /** What a new launch.json holds. */
  provideDebugConfigurations(): Launch[] {
    return [{ type: TYPE, request: "launch", name: "Debug the open spell", program: "${file}" }];
  }

  /** F5 without a launch.json comes with an empty configuration: it means the spell that is open. */
  async resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    given: Launch,
  ): Promise<Launch | undefined> {
    const isEmpty = !given.type && !given.request && !given.name;
    const launch = isEmpty ? this.ofOpenSpell()[0] : given;
    if (launch === undefined) {
      void vscode.window.showErrorMessage("llmspell: open a spell first: a .lua or .js file");
      return undefined;
    }
    // Who is missing is said here, before the editor goes into its debug view.
    return (await this.installation.wanted()) === undefined ? undefined : { ...launch, program: launch.program ?? "${file}" };
  }

  /** `${…}` have become paths by now. */
  resolveDebugConfigurationWithSubstitutedVariables(folder: vscode.WorkspaceFolder | undefined, given: Launch): Launch {
    const base = folder ?? vscode.workspace.workspaceFolders?.[0];
    const program = path.resolve(base?.uri.fsPath ?? "", given.program ?? "");
    return { ...given, program, cwd: given.cwd ?? this.projects.rootOf(vscode.Uri.file(program)) };
  }

  async createDebugAdapterDescriptor(session: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor> {
    const program = await this.installation.wanted();
    if (program === undefined) {
      throw new Error("llmspell was not found");
    }
    const { cwd } = session.configuration as Launch;
    const env = Object.fromEntries(Object.entries(plain()).filter((each): each is [string, string] => !!each[1]));
    return new vscode.DebugAdapterExecutable(program.path, ["dap"], { env, ...(cwd === undefined ? {} : { cwd }) });
  }

  /** Starts one, with options of `llmspell run`. */
  async start(file: vscode.Uri, options: readonly string[]): Promise<boolean> {
    const launch = { ...named(file), ...(options.length === 0 ? {} : { options: [...options] }) };
    return vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(file), launch);
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private ofOpenSpell(): Launch[] {
    const document = openDocument();
    return document !== undefined && this.projects.isSpell(document) ? [named(document.uri)] : [];
  }
}

function named(file: vscode.Uri): Launch {
  return { type: TYPE, request: "launch", name: `Debug ${path.basename(file.fsPath)}`, program: file.fsPath };
}
