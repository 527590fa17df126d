/** What the stream needs from the browser, so that tests can give it a clock, a network and dice of their own. */

export interface Environment {
  readonly fetch: (address: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds of a clock that never jumps (`performance.now`). */
  readonly now: () => number;
  /** Unix time in milliseconds. */
  readonly wallClock: () => number;
  /** 0 <= x < 1. */
  readonly random: () => number;
  readonly setTimer: (callback: () => void, delayMs: number) => number;
  readonly clearTimer: (timer: number) => void;
  /** Lets the browser draw and take input before work goes on. */
  readonly breathe: () => Promise<void>;
  /** Whether many requests share a connection (HTTP/2); else each takes one, and a browser has six to a server. */
  readonly isMultiplexed: () => boolean;
  /** Makes a mistake of the page's own visible to whoever looks for it. */
  readonly report: (error: unknown) => void;
}

export const browserEnvironment: Environment = {
  fetch: (address, init) => fetch(address, init),
  now: () => performance.now(),
  wallClock: () => Date.now(),
  random: () => Math.random(),
  setTimer: (callback, delayMs) => self.setTimeout(callback, delayMs),
  clearTimer: (timer) => {
    self.clearTimeout(timer);
  },
  breathe: () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    }),
  // What is not told (an old browser) is no reason to hold anything back.
  isMultiplexed: () =>
    !performance
      .getEntries()
      .some((entry) => "nextHopProtocol" in entry && String(entry.nextHopProtocol).startsWith("http/1")),
  report: (error) => {
    reportError(error);
  },
};
