/** Which text a person has open. Knows no spell. */

import * as vscode from "vscode";

/** That of the active tab while the focus is in the output below it, which the editor takes for a text like others. */
export function openDocument(): vscode.TextDocument | undefined {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.uri.scheme !== "output") {
    return document;
  }
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const uri = input instanceof vscode.TabInputText ? input.uri.toString() : undefined;
  return vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri);
}
