/** What one span of a run was asked and answered, as a document to read: prompt, answer, arguments, errors. */

import * as vscode from "vscode";

import { duration, statusOf, text, type Event, type Span } from "./model";
import type { Runs } from "./runs";

export const SCHEME = "llmspell-trace";

interface Message {
  readonly role: string;
  readonly content: unknown;
  readonly tool_calls?: readonly { readonly name: string; readonly arguments: unknown }[];
}

export function documentUri(run: string, span: Span): vscode.Uri {
  const title = `${span.kind} ${span.name}`.replace(/[/\\#?]/g, "_");
  return vscode.Uri.from({ scheme: SCHEME, path: `/${run}/${span.number}/${title}.md` });
}

export class TraceDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly disposables: vscode.Disposable[];
  readonly onDidChange = this.changed.event;

  constructor(private readonly runs: Runs) {
    this.disposables = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      runs.onDidChangeTrace((id) => {
        for (const { uri } of vscode.workspace.textDocuments) {
          if (uri.scheme === SCHEME && uri.path.startsWith(`/${id}/`)) {
            this.changed.fire(uri);
          }
        }
      }),
    ];
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const [, run = "", number = ""] = uri.path.split("/");
    try {
      const span = (await this.runs.trace(run)).spans.get(Number(number));
      return span === undefined ? `Run ${run} has no span ${number}.\n` : described(span, statusOf(span, this.runs.get(run)));
    } catch (error) {
      return `Run ${run} cannot be read: ${error instanceof Error ? error.message : String(error)}\n`;
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables, this.changed).dispose();
  }
}

/** A span in Markdown. */
export function described(span: Span, status: string): string {
  const took = span.ended === null ? "" : duration(span.ended - span.started);
  const facts = [status, took, span.tokens === 0 ? "" : `${span.tokens} tokens`, span.site];
  const parts = [`# ${span.kind} ${span.name}`, facts.filter(Boolean).join(" · ")];
  const sent = asSent(span.events);
  for (const event of span.events) {
    parts.push(...sections(event.phase === "start" ? { ...event, data: { ...event.data, ...sent } } : event));
  }
  // Last: prompt and answer are what is looked for.
  const request = sent["request"] ?? span.events[0]?.data["request"];
  parts.push(...options(request as Readonly<Record<string, unknown>> | undefined));
  return `${parts.join("\n\n")}\n`;
}

/** What a span began with, as it went out: its end tells what hooks or an edit made of it. */
function asSent(events: readonly Event[]): Record<string, unknown> {
  const end = events.find((event) => event.phase === "end");
  return Object.fromEntries(["request", "params"].flatMap((name) => (end?.data[name] === undefined ? [] : [[name, end.data[name]]])));
}

function sections(event: Event): string[] {
  const { data, kind, phase } = event;
  const request = phase === "end" ? undefined : (data["request"] as Record<string, unknown> | undefined);
  if (request !== undefined) {
    return requested(request);
  }
  if (data["response"] !== undefined) {
    return answered(data);
  }
  if (kind === "output") {
    return [`## Printed`, fenced(text(data["text"]))];
  }
  const [title, keys] = TITLES[phase];
  const told = keys.flatMap((key) => (data[key] === undefined || data[key] === null ? [] : [data[key]]));
  const error = data["error"];
  return [
    ...told.flatMap((value) => [`## ${title}`, fenced(value)]),
    ...(error === undefined || error === null || error === "" ? [] : ["## Error", fenced(error)]),
    ...(phase === "point" ? [`## ${kind.replaceAll("_", " ")}`, fenced(data)] : []),
  ];
}

const TITLES: Record<Event["phase"], [string, string[]]> = {
  start: ["Arguments", ["params", "input"]],
  end: ["Answer", ["result", "output"]],
  point: ["", []],
};

function requested(request: Record<string, unknown>): string[] {
  const { model, messages, system } = request;
  const parts = [`## Prompt`, `Model \`${text(model)}\``];
  if (system !== undefined) {
    parts.push("### system", fenced(system));
  }
  for (const message of (messages as Message[] | undefined) ?? []) {
    parts.push(`### ${message.role}`);
    if (text(message.content) !== "") {
      parts.push(fenced(message.content));
    }
    parts.push(...(message.tool_calls ?? []).flatMap(called));
  }
  return parts;
}

function options(request: Readonly<Record<string, unknown>> = {}): string[] {
  const { model, messages, system, ...others } = request;
  return Object.keys(others).length === 0 ? [] : ["## Options", fenced(others)];
}

function answered(data: Readonly<Record<string, unknown>>): string[] {
  const calls = (data["tool_calls"] as Message["tool_calls"]) ?? [];
  const said = text(data["response"]) === "" ? [] : [fenced(data["response"])];
  return ["## Answer", ...said, ...calls.flatMap(called)];
}

function called(call: { readonly name: string; readonly arguments: unknown }): string[] {
  return [`Calls \`${call.name}\``, fenced(call.arguments)];
}

/** In a fence longer than any in the text: what a model says must not end it. */
function fenced(value: unknown): string {
  const isText = typeof value === "string";
  const shown = isText ? value.replace(/\n$/, "") : JSON.stringify(value, null, 2);
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${isText ? "text" : "json"}\n${shown}\n${fence}`;
}
