/**
 * All streams of a browser, one for each distinct view, and the tabs that look at them. Owns which tab looks at what, and
 * forgets tabs that are gone; knows no browser: the worker brings ports and clock.
 */
import type { Environment } from "./environment.ts";
import type { RingBounds } from "./ring.ts";
import { streamAddress } from "./selection.ts";
import { SharedView } from "./sharedView.ts";
import type { Join, Port, ToTab, ToWorker } from "./sharing.ts";
import { BEAT_MS, MOST_STREAMS, TAB_SILENCE_MS } from "./sharing.ts";

interface Tab {
  view: SharedView | null;
  heardAt: number;
}

export class SharedViews {
  readonly #environment: Environment;
  readonly #bounds: RingBounds | undefined;
  readonly #views = new Map<string, SharedView>();
  readonly #tabs = new Map<Port<ToTab>, Tab>();
  #isBeating = false;

  constructor(environment: Environment, bounds?: RingBounds) {
    this.#environment = environment;
    this.#bounds = bounds;
  }

  /** How many streams are open. */
  get size(): number {
    return this.#views.size;
  }

  /** A tab has opened a channel. */
  connect(port: Port<ToTab>): void {
    this.#tabs.set(port, { view: null, heardAt: this.#environment.now() });
    if (!this.#isBeating) this.#beatLater();
  }

  /** A tab has said something. */
  hear(port: Port<ToTab>, message: ToWorker): void {
    const tab = this.#tabs.get(port);
    if (tab === undefined) return;
    tab.heardAt = this.#environment.now();
    switch (message.kind) {
      case "join":
        this.#join(port, tab, message);
        break;
      case "more":
        tab.view?.more(port);
        break;
      case "hold":
        tab.view?.hold(port, message.isHeld);
        break;
      case "wake":
        tab.view?.wake();
        break;
      case "refresh":
      case "hide":
        tab.view?.hide(port, message.kind === "hide");
        this.#share();
        break;
      case "leave":
        this.disconnect(port);
        break;
      case "here":
        break;
    }
  }

  /** A tab is gone. */
  disconnect(port: Port<ToTab>): void {
    this.#tabs.get(port)?.view?.leave(port);
    this.#tabs.delete(port);
    port.close();
    this.#share();
  }

  #join(port: Port<ToTab>, tab: Tab, join: Join): void {
    tab.view?.leave(port);
    tab.view = null;
    const key = `${join.base} ${streamAddress(join.selection, join.from, null)}`;
    const known = this.#views.get(key);
    const view = known ?? this.#open(key, join);
    if (!view.join(port, join)) return;
    tab.view = view;
    if (known === undefined) view.start();
    this.#share();
  }

  /** Gives the connections to views that are looked at, and then to those looked at last. */
  #share(): void {
    const seenAt = ({ hiddenAt }: SharedView): number => hiddenAt ?? Number.MAX_VALUE;
    const inOrder = [...this.#views.values()].sort((one, other) => seenAt(other) - seenAt(one));
    inOrder.forEach((view, index) => {
      view.rest(index >= MOST_STREAMS && view.hiddenAt !== null);
    });
  }

  #open(key: string, join: Join): SharedView {
    const forget = (): void => {
      if (this.#views.get(key) === view) this.#views.delete(key);
    };
    const view: SharedView = new SharedView(join, this.#environment, forget, this.#bounds);
    this.#views.set(key, view);
    return view;
  }

  #beatLater(): void {
    this.#isBeating = true;
    this.#environment.setTimer(() => {
      this.#isBeating = false;
      const now = this.#environment.now();
      for (const [port, { heardAt }] of [...this.#tabs]) {
        if (now - heardAt > TAB_SILENCE_MS) this.disconnect(port);
        else port.postMessage({ kind: "beat" });
      }
      if (this.#tabs.size > 0) this.#beatLater();
    }, BEAT_MS);
  }
}
