/** How long the first diagnostics took from the extension's activation; told in the log, where slow starts are looked
 * into. Knows no server. */

import * as vscode from "vscode";

export class Startup implements vscode.Disposable {
  private readonly began = performance.now();
  private readonly subscription: vscode.Disposable;
  private told: ((milliseconds: number) => void) | undefined;
  /** Milliseconds from activation until this extension's first diagnostics are the editor's. */
  readonly firstDiagnostics = new Promise<number>((resolve) => (this.told = resolve));

  constructor(log: vscode.LogOutputChannel) {
    this.subscription = vscode.languages.onDidChangeDiagnostics(({ uris }) => {
      const found = uris.some((uri) => vscode.languages.getDiagnostics(uri).some((each) => each.source === "llmspell"));
      if (found) {
        const took = Math.round(performance.now() - this.began);
        this.told?.(took);
        this.subscription.dispose();
        log.info(`first diagnostics ${took} ms after activation`);
      }
    });
  }

  dispose(): void {
    this.subscription.dispose();
  }
}
