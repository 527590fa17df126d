/**
 * Opens the page's streams: shared with the browser's other tabs where there is a worker for it, else its own. A browser
 * has six connections to a server that speaks HTTP/1.1, and each stream takes one for as long as its page is open.
 */
import { browserEnvironment } from "./environment.ts";
import type { Connect } from "./sharedStream.ts";
import { SharedStream } from "./sharedStream.ts";
import type { ToTab } from "./sharing.ts";
import type { OpenStream } from "./stream.ts";

let canShare = typeof SharedWorker !== "undefined";

/** Its address has the hash of its content: pages of different versions have different workers. */
function startWorker(): SharedWorker | null {
  try {
    return new SharedWorker(new URL("./stream.worker.ts", import.meta.url), { type: "module", name: "logstream" });
  } catch {
    return null;
  }
}

/**
 * A certificate that somebody has let pass holds for pages: in Chromium a worker's request is refused over a connection
 * that has to be made anew. So the page makes one, which the worker's next attempt then finds open.
 */
function makeConnection(): void {
  if (location.protocol !== "https:" || document.hidden) return;
  fetch("healthz", { cache: "no-store" }).catch(() => undefined);
}

const connect: Connect = (onMessage, onFailure) => {
  const worker = canShare ? startWorker() : null;
  if (worker === null) {
    canShare = false;
    return null;
  }
  const { port } = worker;
  worker.addEventListener("error", () => {
    canShare = false;
    onFailure();
  });
  port.addEventListener("message", ({ data }: MessageEvent<ToTab>) => {
    if (data.kind === "state" && data.state.kind === "waiting") makeConnection();
    onMessage(data);
  });
  port.start();
  return {
    postMessage: (message) => {
      port.postMessage(message);
    },
    close: () => {
      port.close();
    },
  };
};

export const openStream: OpenStream = (options, listener) =>
  new SharedStream(options, listener, browserEnvironment, document.baseURI, connect, document.hidden);
