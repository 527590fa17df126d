/**
 * All streams of a browser, one for each distinct view, and the tabs that look at them. Owns which tab looks at what, and
 * forgets tabs that are gone; knows no browser: the worker brings ports and clock.
 */
import type { Environment } from "./environment.ts";
import type { RingBounds } from "./ring.ts";
import { streamAddress } from "./selection.ts";
import type { Rest } from "./sharedView.ts";
import { SharedView } from "./sharedView.ts";
import type { Join, Port, ToTab, ToWorker } from "./sharing.ts";
import { BEAT_MS, MOST_SEEN_STREAMS, MOST_STREAMS, TAB_SILENCE_MS } from "./sharing.ts";

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
  #isMultiplexed = false;

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
    this.#isMultiplexed = join.isMultiplexed;
    tab.view?.leave(port);
    tab.view = null;
    const key = `${join.base} ${streamAddress(join.selection, join.from, null)}`;
    const known = this.#views.get(key);
    const view = known ?? this.#open(key, join);
    if (!view.join(port, join)) return;
    tab.view = view;
    this.#share();
    if (known === undefined) view.start();
  }

  /** Gives the connections to views that are looked at, first those that have one, and then to those looked at last. */
  #share(): void {
    const rank = ({ hiddenAt, isResting }: SharedView): number => (hiddenAt !== null ? 2 : isResting ? 1 : 0);
    const inOrder = [...this.#views.values()].sort(
      (one, other) => rank(one) - rank(other) || (other.hiddenAt ?? 0) - (one.hiddenAt ?? 0),
    );
    // First those that let go, or for a moment there would be too many.
    const rests = inOrder.map((view, index) => [view, this.#restOf(view, index)] as const);
    for (const [view, rest] of rests) if (rest !== null) view.rest(rest);
    for (const [view, rest] of rests) if (rest === null) view.rest(null);
  }

  #restOf({ hiddenAt }: SharedView, index: number): Rest | null {
    if (hiddenAt !== null) return index >= MOST_STREAMS ? "hidden" : null;
    return index >= MOST_SEEN_STREAMS && !this.#isMultiplexed ? "crowded" : null;
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
