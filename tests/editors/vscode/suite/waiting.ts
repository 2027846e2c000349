/** Waiting for what an event announces: nothing here counts seconds but the limit after which a test has failed. */

import * as path from "node:path";
import * as vscode from "vscode";

import type { Api } from "../../../../editors/vscode/src/extension";

export async function api(): Promise<Api> {
  const extension = vscode.extensions.getExtension<Api>("llmspell.llmspell");
  if (extension === undefined) {
    throw new Error("the extension is not there");
  }
  return extension.activate();
}

export function folder(): string {
  const [first] = vscode.workspace.workspaceFolders ?? [];
  if (first === undefined) {
    throw new Error("no folder is open");
  }
  return first.uri.fsPath;
}

export function file(name: string): vscode.Uri {
  return vscode.Uri.file(path.join(folder(), name));
}

export async function shown(name: string): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(file(name));
}

/** Resolves with the first value that is not undefined; asks at once and after each event. */
export async function until<T>(ask: () => T | undefined | Promise<T | undefined>, event: vscode.Event<unknown>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const check = async (): Promise<void> => {
      const value = await ask();
      if (value !== undefined) {
        subscription.dispose();
        resolve(value);
      }
    };
    const subscription = event(() => void check().catch(reject));
    check().catch(reject);
  });
}

export function diagnostics(uri: vscode.Uri, wanted: (found: vscode.Diagnostic[]) => boolean): Promise<vscode.Diagnostic[]> {
  const ask = (): vscode.Diagnostic[] | undefined => {
    const found = vscode.languages.getDiagnostics(uri);
    return wanted(found) ? found : undefined;
  };
  return until(ask, vscode.languages.onDidChangeDiagnostics);
}

export async function running(): Promise<Api> {
  const found = await api();
  await until(() => (found.server.condition === "running" ? true : undefined), found.server.onDidChange);
  return found;
}
