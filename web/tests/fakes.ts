/** A clock, dice and a network that tests hold in their hands. */
import type { Environment } from "../src/environment.ts";
import type { LogRecord, WireEvent } from "../src/protocol.ts";
import type { StreamState } from "../src/stream.ts";
import { LogStream } from "../src/stream.ts";

/** Lets everything that waits for a promise go on. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setTimeout(resolve, 0));
}

export class VirtualTime {
  now = 0;
  #nextTimer = 1;
  readonly #timers = new Map<number, { at: number; callback: () => void }>();

  setTimer(callback: () => void, delayMs: number): number {
    this.#timers.set(this.#nextTimer, { at: this.now + delayMs, callback });
    return this.#nextTimer++;
  }

  clearTimer(timer: number): void {
    this.#timers.delete(timer);
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves on, firing what is due in its order. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    for (;;) {
      await settle();
      const due = [...this.#timers]
        .filter(([, { at }]) => at <= end)
        .sort(([, one], [, other]) => one.at - other.at)[0];
      if (due === undefined) break;
      const [timer, { at, callback }] = due;
      this.#timers.delete(timer);
      this.now = Math.max(this.now, at);
      callback();
    }
    this.now = end;
  }

  /** Moves the clock and fires nothing: a machine that slept. */
  jump(milliseconds: number): void {
    this.now += milliseconds;
  }
}

/** One request, as the server sees it. */
export class Call {
  readonly url: URL;
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly response: Promise<Response>;
  isCancelled = false;
  #answer!: (response: Response) => void;
  #refuse!: (error: unknown) => void;
  #body: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(address: string, init: RequestInit) {
    this.url = new URL(address, "http://host.example/logs/");
    this.headers = new Headers(init.headers);
    this.signal = init.signal ?? new AbortController().signal;
    this.response = new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#refuse = reject;
    });
    this.signal.addEventListener("abort", () => {
      const error = new DOMException("aborted", "AbortError");
      this.#refuse(error);
      this.#endBody((body) => {
        body.error(error);
      });
    });
  }

  /** An answer whose body stays open. */
  open(status = 200, headers: Record<string, string> = { "Content-Type": "text/event-stream; charset=utf-8" }): this {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller;
      },
      cancel: () => {
        this.isCancelled = true;
        this.#body = null;
      },
    });
    this.#answer(new Response(status === 204 ? null : body, { status, headers }));
    return this;
  }

  answer(status: number, body: string, headers: Record<string, string> = {}): void {
    this.#answer(new Response(status === 204 ? null : body, { status, headers }));
  }

  write(text: string): this {
    this.#body?.enqueue(new TextEncoder().encode(text));
    return this;
  }

  send(type: string, json: unknown, id?: string): this {
    return this.write(`event: ${type}\ndata: ${JSON.stringify(json)}\n${id === undefined ? "" : `id: ${id}\n`}\n`);
  }

  hello(resume: Record<string, unknown> = { from: null, exact: true, reason: null }, heartbeatSeconds = 15): this {
    return this.send("hello", {
      version: "1",
      heartbeat_seconds: heartbeatSeconds,
      retry_ms: 2000,
      sources: ["app"],
      resume,
    });
  }

  ping(lagBytes = 0, id?: string): this {
    return this.send("ping", { time: "2024-05-01T10:00:00Z", lag_bytes: lagBytes, sources: {} }, id);
  }

  /** The body ends as it should. */
  end(): void {
    this.#endBody((body) => {
      body.close();
    });
  }

  /** The network breaks, before the answer or within it. */
  fail(): void {
    const error = new TypeError("network error");
    this.#refuse(error);
    this.#endBody((body) => {
      body.error(error);
    });
  }

  #endBody(end: (body: ReadableStreamDefaultController<Uint8Array>) => void): void {
    if (this.#body !== null) end(this.#body);
    this.#body = null;
  }
}

/** A stream under test with everything around it. `dice` is what the next random draws give. */
export class Stage {
  readonly time = new VirtualTime();
  readonly calls: Call[] = [];
  readonly states: StreamState[] = [];
  readonly events: WireEvent[] = [];
  readonly mistakes: unknown[] = [];
  dice = 0.5;
  wallClock = Date.UTC(2024, 4, 1);
  readonly stream: LogStream;

  constructor(query = "", onEvent?: (event: WireEvent) => void) {
    const environment: Environment = {
      fetch: (address, init) => {
        const call = new Call(address, init);
        this.calls.push(call);
        return call.response;
      },
      now: () => this.time.now,
      wallClock: () => this.wallClock,
      random: () => this.dice,
      setTimer: (callback, delayMs) => this.time.setTimer(callback, delayMs),
      clearTimer: (timer) => {
        this.time.clearTimer(timer);
      },
      breathe: () => Promise.resolve(),
      isMultiplexed: () => false,
      report: (error) => this.mistakes.push(error),
    };
    const listener = {
      onState: (state: StreamState) => this.states.push(state),
      onEvent: (event: WireEvent) => {
        this.events.push(event);
        onEvent?.(event);
      },
    };
    this.stream = new LogStream({ selection: { query, sources: [] }, from: "-500" }, listener, environment);
    this.stream.start();
  }

  get state(): StreamState {
    return this.states.at(-1) ?? { kind: "connecting" };
  }

  /** The delay that the stream has just decided on. */
  get delayMs(): number {
    if (this.state.kind !== "waiting") throw new Error(`the stream is not waiting but ${this.state.kind}`);
    return this.state.until - this.time.now;
  }

  /** The newest request. */
  get call(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error("nothing was requested");
    return call;
  }

  get records(): readonly LogRecord[] {
    return this.events.flatMap((event) => (event.kind === "records" ? event.records : []));
  }

  get texts(): readonly string[] {
    return this.records.map(({ text }) => text);
  }

  /** Waits until the stream has asked again, and gives the new request. */
  async reconnected(): Promise<Call> {
    await this.time.advance(this.delayMs);
    await settle();
    return this.call;
  }
}

/** A record as it stands on the wire. */
export function wireRecord(text: string, id: string | null = null): Record<string, unknown> {
  return {
    id,
    source: "app",
    file: "/var/log/app.log",
    time: "2024-05-01T10:00:00.123+00:00",
    level: "info",
    event: "line",
    text,
    fields: null,
    rules: [],
    cont: false,
  };
}

export function logRecord(changes: Partial<LogRecord> = {}): LogRecord {
  return {
    id: "1.a.b.c",
    source: "app",
    file: "/var/log/app.log",
    time: "2024-05-01T10:00:00.123+00:00",
    level: "info",
    event: "line",
    text: "hello",
    fields: null,
    rules: [],
    cont: false,
    ...changes,
  };
}
