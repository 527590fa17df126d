/** The worker that holds the streams of all tabs: it brings the browser's ports and clock to what decides. */
import { browserEnvironment } from "./environment.ts";
import { SharedViews } from "./sharedViews.ts";
import type { ToWorker } from "./sharing.ts";

const views = new SharedViews(browserEnvironment);

addEventListener("connect", (event) => {
  const port = event instanceof MessageEvent ? event.ports[0] : undefined;
  if (port === undefined) return;
  views.connect(port);
  port.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
    views.hear(port, data);
  });
  // Only some browsers say that a tab is gone; the others' tabs are noticed by their silence.
  port.addEventListener("close", () => {
    views.disconnect(port);
  });
  port.start();
});
