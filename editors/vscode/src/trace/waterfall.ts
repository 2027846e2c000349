/** A run's spans as bars over time, in a panel; a click opens what the span was asked and answered. */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";

import { cost, duration, statusOf, type Run, type Span, type Trace } from "./model";
import type { Runs } from "./runs";

/** A line of the drawing. Times are milliseconds from the run's first event. */
interface Bar {
  readonly number: number;
  readonly depth: number;
  readonly kind: string;
  readonly name: string;
  readonly status: string;
  readonly from: number;
  readonly to: number;
  readonly told: string;
}

interface Shown {
  readonly panel: vscode.WebviewPanel;
  /** As it was when it was opened: it may be removed, or not listed. */
  readonly run: Run;
  /** The page has not yet drawn what it was sent; and whether there is more by now. */
  isDrawing: boolean;
  isStale: boolean;
}

export class Waterfalls implements vscode.Disposable {
  private readonly panels = new Map<string, Shown>();
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly runs: Runs,
    private readonly extension: vscode.Uri,
  ) {
    this.subscription = vscode.Disposable.from(
      runs.onDidChangeTrace((id) => this.draw(id)),
      runs.onDidChangeList(() => this.panels.forEach((_, id) => this.draw(id))),
    );
  }

  async open(run: Run): Promise<void> {
    const known = this.panels.get(run.id);
    if (known !== undefined) {
      known.panel.reveal();
      return;
    }
    await this.runs.trace(run.id);
    const media = vscode.Uri.joinPath(this.extension, "media");
    const panel = vscode.window.createWebviewPanel(
      "llmspell.waterfall",
      `Trace ${run.label}`,
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, localResourceRoots: [media] },
    );
    const shown: Shown = { panel, run, isDrawing: false, isStale: true };
    this.panels.set(run.id, shown);
    panel.onDidDispose(() => this.panels.delete(run.id));
    panel.webview.onDidReceiveMessage((message: { isNew?: boolean; span?: number }) => {
      if (message.isNew !== undefined) {
        shown.isDrawing = false;
        if (message.isNew) {
          void this.runs.trace(run.id).then(() => this.draw(run.id), () => undefined);
        } else if (shown.isStale) {
          this.draw(run.id);
        }
      } else if (message.span !== undefined) {
        // Beside the drawing, and not over it.
        const column = panel.viewColumn === vscode.ViewColumn.One ? vscode.ViewColumn.Two : vscode.ViewColumn.One;
        void vscode.commands.executeCommand("llmspell.inspect", run.id, message.span, column);
      }
    });
    panel.webview.html = page(panel.webview, media, run);
  }

  dispose(): void {
    this.panels.forEach(({ panel }) => panel.dispose());
    this.subscription.dispose();
  }

  private draw(id: string): void {
    const trace = this.runs.peek(id);
    const shown = this.panels.get(id);
    if (trace === undefined || shown === undefined) {
      return;
    }
    shown.isStale = shown.isDrawing;
    if (!shown.isDrawing) {
      shown.isDrawing = true; // a page that is hidden never says that it is done, and is new when it is shown
      void shown.panel.webview.postMessage(picture(this.runs.get(id) ?? shown.run, trace));
    }
  }
}

export function picture(run: Run, trace: Trace): { readonly title: string; readonly length: number; readonly bars: Bar[] } {
  const [first] = trace.roots;
  const origin = first?.started ?? run.started;
  const bars: Bar[] = [];
  const add = (span: Span, depth: number): void => {
    const to = (span.ended ?? trace.until) - origin;
    const status = statusOf(span, run);
    const took = span.ended !== null ? duration(span.ended - span.started) : status === "running" ? "…" : status;
    const tokens = span.tokens === 0 ? "" : `${span.tokens.toLocaleString()} tokens`;
    bars.push({
      number: span.number,
      depth,
      kind: span.kind,
      name: span.name,
      status,
      from: span.started - origin,
      to,
      told: [took, tokens, cost(span.cost)].filter(Boolean).join(" · "),
    });
    span.children.forEach((child) => add(child, depth + 1));
  };
  trace.roots.forEach((root) => add(root, 0));
  const status = first === undefined || first.ended === null ? run.status : first.status;
  return { title: `${run.label} · ${status}`, length: Math.max(1, trace.until - origin), bars };
}

function page(webview: vscode.Webview, media: vscode.Uri, run: Run): string {
  const nonce = randomBytes(16).toString("hex");
  const style = webview.asWebviewUri(vscode.Uri.joinPath(media, "waterfall.css")).toString();
  const script = webview.asWebviewUri(vscode.Uri.joinPath(media, "waterfall.js")).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}">
    <link rel="stylesheet" href="${style}">
    <title>Trace ${run.id}</title>
  </head>
  <body>
    <h1></h1>
    <div id="scale" aria-hidden="true"></div>
    <ol id="bars"></ol>
    <script nonce="${nonce}" src="${script}"></script>
  </body>
</html>`;
}
