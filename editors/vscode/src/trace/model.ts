/** A run as `llmspell trace … --json` tells it, and the folding of its events into spans. Knows neither editor nor
 * process. */

/** A line of `trace list --json`. Times are milliseconds since 1970. */
export interface Run {
  readonly id: string;
  readonly spell: string;
  readonly label: string;
  readonly started: number;
  readonly ended: number | null;
  /** Milliseconds from its first event to its last; null until then. */
  readonly duration: number | null;
  /** "running" while it is under way. */
  readonly status: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost: number | null;
}

/** A line of `trace follow --json`. */
export interface Event {
  readonly seq: number;
  readonly time: number;
  readonly kind: string;
  readonly phase: "start" | "end" | "point";
  readonly span: number;
  readonly parent: number;
  readonly name: string;
  readonly site: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Span {
  readonly number: number;
  readonly parent: number;
  readonly kind: string;
  readonly name: string;
  /** `spell.lua:12`, or nothing. */
  readonly site: string;
  readonly started: number;
  ended: number | null;
  status: string;
  tokens: number;
  cost: number;
  /** In the order in which they came; the first began the span. */
  readonly events: Event[];
  readonly children: Span[];
}

export class Trace {
  readonly spans = new Map<number, Span>();
  readonly roots: Span[] = [];
  /** Of the newest event. */
  until = 0;

  add(event: Event): void {
    this.until = Math.max(this.until, event.time);
    const span = this.spans.get(event.span) ?? this.begun(event);
    span.events.push(event);
    if (event.phase === "end") {
      span.ended = event.time;
      span.status = text(event.data["status"]) || "ok";
      const usage = event.data["usage"] as { total?: number; cost?: number } | undefined;
      span.tokens = usage?.total ?? 0;
      span.cost = usage?.cost ?? 0;
    }
  }

  private begun(event: Event): Span {
    const span: Span = {
      number: event.span,
      parent: event.parent,
      kind: kindOf(event.kind),
      name: event.name,
      site: event.site,
      started: event.time,
      ended: null,
      status: "running",
      tokens: 0,
      cost: 0,
      events: [],
      children: [],
    };
    this.spans.set(span.number, span);
    (this.spans.get(span.parent)?.children ?? this.roots).push(span);
    return span;
  }
}

/** What the trade calls what an event of that kind began. */
const KINDS: Record<string, string> = {
  execution_started: "agent",
  llm_call_started: "model",
  tool_called: "tool",
  workflow_step_started: "step",
};

function kindOf(event: string): string {
  return KINDS[event] ?? event.replace(/_(started|called|created)$/, "").replaceAll("_", " ");
}

/** How a span stands: what had no end when its run was killed has come to the same. */
export function statusOf(span: Span, run: Run | undefined): string {
  return span.ended === null && run !== undefined && run.status !== "running" ? run.status : span.status;
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
}

/** As `llmspell trace` shows it: 0.4 ms, 12 ms, 3.20 s, 2m 05s, 1h 02m. */
export function duration(milliseconds: number): string {
  if (milliseconds < 9.95) {
    return `${Math.max(milliseconds, 0).toFixed(1)} ms`;
  }
  if (milliseconds < 999.5) {
    return `${milliseconds.toFixed(0)} ms`;
  }
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.round(milliseconds / 60_000);
  const two = (number: number): string => String(number % 60).padStart(2, "0");
  return milliseconds < 59_995
    ? `${(milliseconds / 1000).toFixed(2)} s`
    : milliseconds < 3_599_500
      ? `${Math.floor(seconds / 60)}m ${two(seconds)}s`
      : `${Math.floor(minutes / 60)}h ${two(minutes)}m`;
}

/** Nothing where nothing was paid. */
export function cost(dollars: number): string {
  return dollars === 0 ? "" : `$${dollars.toFixed(dollars < 10 ? 4 : 2)}`;
}
