/** A browser with its tabs and its worker, and a service for them, all held in the hands of a test. */
import type { Environment } from "../src/environment.ts";
import type { Connect } from "../src/sharedStream.ts";
import { SharedStream } from "../src/sharedStream.ts";
import { SharedViews } from "../src/sharedViews.ts";
import type { Port, ToTab } from "../src/sharing.ts";
import type { StreamState } from "../src/stream.ts";
import { Call, settle, VirtualTime, wireRecord } from "./fakes.ts";

/** In long waits little happens later than this, and a step of time costs the test some. */
const SOON_MS = 1000;

/** A service, its worker and the tabs of one browser; messages between them wait until they are passed on. */
export class Scene {
  readonly time = new VirtualTime();
  readonly calls: Call[] = [];
  readonly environment: Environment = {
    fetch: (address, init) => this.#serve(new Call(address, init)),
    now: () => this.time.now,
    wallClock: () => this.time.now,
    random: () => 0.5,
    setTimer: (callback, delayMs) => this.time.setTimer(callback, delayMs),
    clearTimer: (timer) => {
      this.time.clearTimer(timer);
    },
    breathe: () => Promise.resolve(),
    isMultiplexed: () => this.isMultiplexed,
    report: (error) => {
      throw error;
    },
  };
  views = this.newWorker();
  isWorkerAlive = true;
  hasWorker = true;
  isDown = false;
  isMultiplexed = false;
  /** Lines written so far. */
  count = 0;
  #messages: (() => void)[] = [];

  newWorker(): SharedViews {
    return new SharedViews(this.environment, { lines: 600, characters: 1e6 });
  }

  /** Requests whose answers go on. */
  get open(): readonly Call[] {
    return this.calls.filter(({ signal }) => !signal.aborted);
  }

  readonly connect: Connect = (onMessage) => {
    if (!this.hasWorker) return null;
    const worker = this.views;
    let isTabOpen = true;
    let isWorkerOpen = true;
    const toTab: Port<ToTab> = {
      postMessage: (message) => {
        const sent = structuredClone(message);
        if (isWorkerOpen && worker === this.views)
          this.#messages.push(() => {
            if (isTabOpen) onMessage(sent);
          });
      },
      close: () => {
        isWorkerOpen = false;
      },
    };
    worker.connect(toTab);
    return {
      postMessage: (message) => {
        const sent = structuredClone(message);
        this.#messages.push(() => {
          if (this.isWorkerAlive && worker === this.views) worker.hear(toTab, sent);
        });
      },
      close: () => {
        isTabOpen = false;
      },
    };
  };

  /** Writes so many lines; every second one matches the query `even`. */
  write(lines: number): void {
    const first = this.count;
    this.count += lines;
    for (const call of this.open) if (!this.isDown) this.#send(call, first);
  }

  down(): void {
    this.isDown = true;
    for (const call of this.open) call.fail();
  }

  /** Passes messages on, all of them or so many. */
  async run(most = Number.POSITIVE_INFINITY): Promise<void> {
    await settle();
    for (let passed = 0; passed < most; passed++) {
      if (this.#messages.length === 0) await settle();
      const next = this.#messages.shift();
      if (next === undefined) return;
      next();
    }
  }

  /** Lets time go by, in which messages arrive at once. */
  async pass(milliseconds: number): Promise<void> {
    await this.run();
    for (let passed = 0; passed < milliseconds;) {
      const step = Math.min(milliseconds - passed, passed < SOON_MS ? 500 : 5000);
      await this.time.advance(step);
      await this.run();
      passed += step;
    }
  }

  #serve(call: Call): Promise<Response> {
    this.calls.push(call);
    if (this.isDown) call.fail();
    else {
      const after = call.url.searchParams.get("last_event_id");
      call.open().hello();
      this.#send(call, after === null ? Math.max(0, this.count - 500) : Number(after.slice(1)) + 1);
    }
    return call.response;
  }

  #send(call: Call, first: number): void {
    const isWanted = (number: number): boolean => call.url.searchParams.get("q") !== "even" || number % 2 === 0;
    for (let start = first; start < this.count; start += 100) {
      const numbers = Array.from({ length: Math.min(100, this.count - start) }, (_, index) => start + index);
      const records = numbers.filter(isWanted).map((number) => wireRecord(`${number}`, `i${number}`));
      if (records.length > 0) call.send("batch", records, records.at(-1)?.["id"] as string);
    }
    call.ping(0, this.count === 0 ? undefined : `i${this.count - 1}`);
  }
}

/** One tab: what it was told. */
export class Tab {
  readonly numbers: number[] = [];
  readonly states: StreamState[] = [];
  readonly stream: SharedStream;
  hellos = 0;
  releases = 0;

  constructor(scene: Pick<Scene, "environment" | "connect">, query = "", cursor: string | null = null) {
    this.stream = new SharedStream(
      { selection: { query, sources: [] }, from: "-500", cursor },
      {
        onState: (state) => this.states.push(state),
        onEvent: (event) => {
          if (event.kind === "hello") this.hellos += 1;
          if (event.kind === "records") this.numbers.push(...event.records.map(({ text }) => Number(text)));
        },
        onReleased: () => {
          this.releases += 1;
        },
      },
      scene.environment,
      "http://host.example/logs/",
      scene.connect,
    );
    this.stream.start();
  }

  get state(): StreamState["kind"] | undefined {
    return this.states.at(-1)?.kind;
  }
}

export function range(first: number, end: number, step = 1): readonly number[] {
  return Array.from({ length: Math.ceil((end - first) / step) }, (_, index) => first + index * step);
}
