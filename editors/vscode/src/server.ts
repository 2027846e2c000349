/** The language server's life: started when a spell is there to see, restarted when told and when it dies. Knows no run
 * and no view. */

import * as vscode from "vscode";
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, State } from "vscode-languageclient/node";
import type { ErrorHandler, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";

import { plain, type Program } from "./program";
import type { Projects } from "./projects";

/** What the server may put behind a code lens; `protocol/requests/lenses.py` has the names. */
export const LENS_COMMANDS = ["llmspell.run", "llmspell.debug", "llmspell.openTrace"];

/** Deaths within so many milliseconds after which it stays dead: it would die again. */
const DEATHS = { most: 5, within: 180_000 };
/** The client's own handler gives a server up that dies while it is written to, and counts some deaths twice. */
const LEFT_TO_US: ErrorHandler = {
  error: () => ({ action: ErrorAction.Continue, handled: true }),
  closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
};

/** Says in the log what it has to say: "connection got disposed" is no news for a person, and of deaths we tell. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export type Condition = "stopped" | "starting" | "running";

export class Server implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel("llmspell", { log: true });
  private client: LanguageClient | undefined;
  private turn: Promise<void> = Promise.resolve();
  private deaths: number[] = [];
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
    return this.condition === "running" ? this.client?.initializeResult?.serverInfo?.version : undefined;
  }

  /** Whether it is to run. One that has crashed too often is, and waits for somebody to start it anew. */
  get isWanted(): boolean {
    return this.client !== undefined;
  }

  start(program: Program): Promise<void> {
    this.deaths = [];
    return this.begin(program);
  }

  stop(): Promise<void> {
    return this.next(() => this.end());
  }

  dispose(): void {
    void this.stop().finally(() => vscode.Disposable.from(this.log, this.changed).dispose());
  }

  private begin(program: Program): Promise<void> {
    return this.next(async () => {
      await this.end();
      const client = new QuietClient("llmspell", "llmspell", this.command(program), this.options());
      this.client = client;
      let isAlive = true;
      client.onDidChangeState(({ newState }) => {
        this.changed.fire(this.condition);
        if (newState === State.Stopped && isAlive && this.client === client) {
          isAlive = false;
          void this.died(program);
        }
      });
      await client.start();
    });
  }

  /** It has ended, and nobody has asked it to. */
  private async died(program: Program): Promise<void> {
    const now = Date.now();
    this.deaths = [...this.deaths.filter((each) => now - each < DEATHS.within), now];
    if (this.deaths.length < DEATHS.most) {
      await this.begin(program).catch((error: unknown) => this.log.error(String(error)));
      return;
    }
    const said = `llmspell: the language server has ended ${DEATHS.most} times in a short time, and is not started again.`;
    const chosen = await vscode.window.showErrorMessage(said, "Restart", "Show Log");
    if (chosen !== undefined) {
      await vscode.commands.executeCommand(chosen === "Restart" ? "llmspell.restart" : "llmspell.showLog");
    }
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
      errorHandler: LEFT_TO_US,
      initializationFailedHandler: () => false,
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
