/** Where a spell stands still, the values of its variables behind the lines of the function it stands in. Which words
 * are variables the language server knows; their values the debugger. */

import * as vscode from "vscode";

import { TYPE } from "./debugging";
import type { Projects } from "./projects";

const KINDS = ["variable", "parameter"];

/** For spells only: in other JavaScript a provider would take the place of what its debugger shows. */
export class InlineValues implements vscode.InlineValuesProvider, vscode.Disposable {
  private registration: vscode.Disposable | undefined;
  private readonly subscription: vscode.Disposable;

  constructor(private readonly projects: Projects) {
    this.subscription = vscode.Disposable.from(
      projects.onDidChange(() => this.register()),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("llmspell.spells")) {
          this.register();
        }
      }),
    );
    this.register();
  }

  dispose(): void {
    this.subscription.dispose();
    this.registration?.dispose();
  }

  async provideInlineValues(
    document: vscode.TextDocument,
    _shown: vscode.Range,
    { stoppedLocation }: vscode.InlineValueContext,
  ): Promise<vscode.InlineValue[]> {
    if (vscode.debug.activeDebugSession?.type !== TYPE) {
      return [];
    }
    const stopped = stoppedLocation.end.line;
    const [legend, tokens, symbols] = await Promise.all([
      ask<vscode.SemanticTokensLegend>("vscode.provideDocumentSemanticTokensLegend", document.uri),
      ask<vscode.SemanticTokens>("vscode.provideDocumentSemanticTokens", document.uri),
      ask<vscode.DocumentSymbol[]>("vscode.executeDocumentSymbolProvider", document.uri),
    ]);
    if (legend === undefined || tokens === undefined) {
      return [];
    }
    const body = functionAround(symbols ?? [], stopped);
    return [...words(tokens.data, legend)]
      .filter(({ kind, range }) => KINDS.includes(kind) && isInside(range.start.line, body, stopped, symbols ?? []))
      .map(({ range }) => new vscode.InlineValueVariableLookup(range));
  }

  private register(): void {
    this.registration?.dispose();
    this.registration = vscode.languages.registerInlineValuesProvider(this.projects.spells(), this);
  }
}

function ask<T>(command: string, uri: vscode.Uri): Thenable<T | undefined> {
  return vscode.commands.executeCommand<T | undefined>(command, uri);
}

/** Semantic tokens are told as distances from the one before. */
function* words(data: Uint32Array, legend: vscode.SemanticTokensLegend): Generator<{ kind: string; range: vscode.Range }> {
  let line = 0;
  let column = 0;
  for (let at = 0; at + 4 < data.length; at += 5) {
    const [down = 0, along = 0, length = 0, kind = 0] = data.subarray(at, at + 4);
    line += down;
    column = down === 0 ? column + along : along;
    yield { kind: legend.tokenTypes[kind] ?? "", range: new vscode.Range(line, column, line, column + length) };
  }
}

const FUNCTIONS = [vscode.SymbolKind.Function, vscode.SymbolKind.Method, vscode.SymbolKind.Constructor];

/** The innermost one; undefined: the spell's main part. */
function functionAround(symbols: readonly vscode.DocumentSymbol[], line: number): vscode.DocumentSymbol | undefined {
  for (const symbol of symbols) {
    if (symbol.range.start.line <= line && line <= symbol.range.end.line) {
      return functionAround(symbol.children, line) ?? (FUNCTIONS.includes(symbol.kind) ? symbol : undefined);
    }
  }
  return undefined;
}

/** Lines of the same function up to the stopped one: below it nothing has a value yet. */
function isInside(
  line: number,
  body: vscode.DocumentSymbol | undefined,
  stopped: number,
  symbols: readonly vscode.DocumentSymbol[],
): boolean {
  return line <= stopped && functionAround(symbols, line) === body;
}
