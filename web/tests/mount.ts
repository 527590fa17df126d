/** Puts a component on a page of its own, and takes it away after the test. */
import type { Component } from "vue";
import { createApp, nextTick } from "vue";
import { onTestFinished } from "vitest";

export interface Mounted {
  readonly root: HTMLElement;
  readonly find: (selector: string) => HTMLElement;
  readonly text: (selector: string) => string;
}

export async function mount(component: Component, properties: Record<string, unknown> = {}): Promise<Mounted> {
  const root = document.createElement("div");
  document.body.append(root);
  const app = createApp(component, properties);
  app.mount(root);
  onTestFinished(() => {
    app.unmount();
    root.remove();
  });
  await nextTick();
  const find = (selector: string): HTMLElement => {
    const element = root.querySelector<HTMLElement>(selector);
    if (element === null) throw new Error(`no ${selector} in ${root.textContent}`);
    return element;
  };
  return { root, find, text: (selector) => find(selector).textContent.replace(/\s+/g, " ").trim() };
}
