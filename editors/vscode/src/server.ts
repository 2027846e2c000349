/** The language server's life: started when a spell is there to see, restarted when told. Knows no run and no view. */

import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, State } from "vscode-languageclient/node";
import type { LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";

import { plain, type Program } from "./program";
import type { Projects } from "./projects";

/** What the server may put behind a code lens; `protocol/requests/lenses.py` has the names. */
export const LENS_COMMANDS = ["llmspell.run", "llmspell.debug", "llmspell.openTrace"];

export type Condition = "stopped" | "starting" | "running";

export class Server implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel("llmspell", { log: true });
  private client: LanguageClient | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly changed = new vscode.EventEmitter<Condition>();
  readonly onDidChange = this.changed.event;

  constructor(private readonly projects: Projects) {}

  get condition(): Condition {
    switch (this.client?.state) {
      case State.Running:
        return "running";
      case State.Starting:
        return "starting";
      default:
        return "stopped";
    }
  }

  /** As the running server says of itself. */
  get version(): string | undefined {
    return this.client?.initializeResult?.serverInfo?.version;
  }

  start(program: Program): Promise<void> {
    return this.next(async () => {
      await this.end();
      const client = new LanguageClient("llmspell", "llmspell", this.command(program), this.options());
      client.onDidChangeState(() => this.changed.fire(this.condition));
      this.client = client;
      await client.start();
    });
  }

  stop(): Promise<void> {
    return this.next(() => this.end());
  }

  dispose(): void {
    void this.stop().finally(() => vscode.Disposable.from(this.log, this.changed).dispose());
  }

  /** One thing at a time: a start that is interrupted by another would leave two servers. */
  private next(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.catch(() => undefined).then(work);
    return this.turn;
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client !== undefined) {
      await client.dispose().catch((error: unknown) => this.log.warn(String(error)));
      this.changed.fire(this.condition);
    }
  }

  private command(program: Program): ServerOptions {
    const cwd = this.projects.roots[0]?.fsPath ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    return { command: program.path, args: ["lsp"], options: { env: plain(), ...(cwd === undefined ? {} : { cwd }) } };
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: this.projects.selector(),
      initializationOptions: { commands: LENS_COMMANDS },
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      diagnosticCollectionName: "llmspell",
      middleware: {
        // The schema says what may stand in replies.json, in untrusted folders too; the server says what is wrong in it.
        provideHover: (document, position, token, next) =>
          document.languageId.startsWith("json") ? undefined : next(document, position, token),
        provideCompletionItem: (document, position, context, token, next) =>
          document.languageId.startsWith("json") ? undefined : next(document, position, context, token),
      },
    };
  }
}
