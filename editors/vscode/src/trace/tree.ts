/** The view of runs: each a line, and under it its spans, growing while it runs. */

import * as vscode from "vscode";

import { cost, duration, statusOf, type Run, type Span } from "./model";
import type { Runs } from "./runs";

export type Node = { readonly run: Run } | { readonly run: Run; readonly span: Span };

const ICONS: Record<string, string> = {
  agent: "person",
  model: "comment-discussion",
  tool: "tools",
  workflow: "type-hierarchy",
  step: "arrow-right",
  spell: "wand",
  hook: "debug-breakpoint-function",
};
const COLOURS: Record<string, string> = { ok: "testing.iconPassed", running: "charts.blue", cancelled: "charts.yellow" };

export class TraceTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  /** Of the runs that are listed: the editor is told of a change by the object that it was given. */
  private readonly nodes = new Map<string, Node>();
  private readonly disposables: vscode.Disposable[];
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<Node>;

  constructor(private readonly runs: Runs) {
    this.view = vscode.window.createTreeView("llmspell.runs", { treeDataProvider: this, showCollapseAll: true });
    this.disposables = [
      this.view,
      this.view.onDidChangeVisibility(({ visible }) => this.runs.show(visible).catch(complain)),
      runs.onDidChangeList(() => {
        this.view.message = runs.complaint === "" ? undefined : runs.complaint;
        this.nodes.clear();
        this.changed.fire(undefined);
      }),
      runs.onDidChangeTrace((id) => {
        const node = this.nodes.get(id);
        if (node !== undefined) {
          this.changed.fire(node);
        }
      }),
    ];
    if (this.view.visible) {
      void this.runs.show(true).catch(complain);
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return "span" in node ? spanItem(node.run, node.span) : runItem(node.run);
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (node === undefined) {
      return this.runs.list.map((run) => this.ofRun(run));
    }
    if ("span" in node) {
      return node.span.children.map((span) => ({ run: node.run, span }));
    }
    const trace = await this.runs.trace(node.run.id);
    // The span of the spell is the run: its line would say the same again.
    return trace.roots.flatMap((root) => root.children).map((span) => ({ run: node.run, span }));
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables, this.changed).dispose();
  }

  private ofRun(run: Run): Node {
    const node = this.nodes.get(run.id) ?? { run };
    this.nodes.set(run.id, node);
    return node;
  }
}

function runItem(run: Run): vscode.TreeItem {
  const live = run.status === "running";
  const open = live ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
  const item = new vscode.TreeItem(run.label, open);
  const tokens = run.input_tokens + run.output_tokens;
  const parts = [
    new Date(run.started).toLocaleTimeString(),
    run.duration === null ? "" : duration(run.duration),
    tokens === 0 ? "" : `${tokens.toLocaleString()} tokens`,
    cost(run.cost ?? 0),
    run.status === "ok" ? "" : run.status,
  ];
  item.id = run.id;
  item.description = parts.filter(Boolean).join(" · ");
  item.iconPath = icon(run.status, "wand");
  item.contextValue = live ? "run.live" : "run";
  item.tooltip = [`${run.label} · ${item.description}`, run.spell, run.id].join("\n"); // the line is cut where it is narrow
  return item;
}

function spanItem(run: Run, span: Span): vscode.TreeItem {
  const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
  const open = span.children.length === 0 ? None : run.status === "running" ? Expanded : Collapsed;
  const item = new vscode.TreeItem(span.name, open);
  const status = statusOf(span, run);
  const parts = [
    span.kind,
    span.ended === null ? "" : duration(span.ended - span.started),
    span.tokens === 0 ? "" : `${span.tokens.toLocaleString()} tokens`,
    cost(span.cost),
    status === "ok" ? "" : status,
  ];
  item.id = `${run.id}/${span.number}`;
  item.description = parts.filter(Boolean).join(" · ");
  item.iconPath = icon(status, ICONS[span.kind] ?? "circle-outline");
  item.contextValue = span.site === "" ? "span" : "span.placed";
  item.tooltip = [`${span.name} · ${item.description}`, span.site].filter(Boolean).join("\n");
  item.command = { command: "llmspell.inspect", title: "Inspect", arguments: [run.id, span.number] };
  return item;
}

function icon(status: string, name: string): vscode.ThemeIcon {
  const colour = new vscode.ThemeColor(COLOURS[status] ?? "testing.iconFailed");
  return status === "running" ? new vscode.ThemeIcon("loading~spin", colour) : new vscode.ThemeIcon(name, colour);
}

function complain(error: unknown): void {
  void vscode.window.showErrorMessage(`llmspell: ${error instanceof Error ? error.message : String(error)}`);
}
