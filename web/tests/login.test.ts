import { beforeEach, describe, expect, it, vi } from "vitest";
import PAGE from "../login.html?raw";
import SessionEntry from "../src/components/SessionEntry.vue";
import { leaveForLogin, logOut } from "../src/session.ts";
import { LOGIN_WORDS } from "../src/words/login.ts";
import { settle } from "./fakes.ts";
import { mount } from "./mount.ts";

let visited: string[] = [];

beforeEach(() => {
  visited = [];
  window.history.replaceState(null, "", "/logs/?q=level%3Aerror#1.a.b.c");
  vi.spyOn(window.location, "assign").mockImplementation((address) => {
    visited.push(String(address));
  });
});

function answered(status: number, body: unknown): Response {
  return new Response(status === 204 ? null : JSON.stringify(body), { status });
}

describe("the way to the login page", () => {
  it("keeps the view, and is gone only where the service itself asks for it", async () => {
    await leaveForLogin(answered(401, { login: true }));
    expect(visited).toEqual(["login?q=level%3Aerror#1.a.b.c"]);
    for (const answer of [answered(401, {}), answered(401, "no"), answered(403, { login: true }), answered(200, {})]) {
      await leaveForLogin(answer);
    }
    expect(visited).toHaveLength(1);
  });

  it("is taken after logging out, if that was taken", async () => {
    const asked: [string, string | undefined][] = [];
    let status = 403;
    vi.stubGlobal("fetch", (address: string, init: RequestInit) => {
      asked.push([address, init.method]);
      return Promise.resolve(answered(status, {}));
    });
    expect(await logOut()).toBe(false);
    expect(visited).toEqual([]);
    status = 204;
    expect(await logOut()).toBe(true);
    expect(visited).toEqual(["login?q=level%3Aerror#1.a.b.c"]);
    expect(asked).toEqual([
      ["logout", "POST"],
      ["logout", "POST"],
    ]);
  });
});

describe("who the reader is", () => {
  it.each([
    [{ name: "alice", can_log_out: true }, "Logged in as alice", 1],
    [{ name: "<b>x</b>", can_log_out: false }, "Logged in as <b>x</b>", 0],
    [{ name: null, can_log_out: false }, "", 0],
    ["nonsense", "", 0],
  ])("is said as the service says it: %o", async (session, text, buttons) => {
    vi.stubGlobal("fetch", () => Promise.resolve(answered(200, session)));
    const { root } = await mount(SessionEntry);
    await settle();
    expect(root.querySelector("span")?.textContent ?? "").toBe(text);
    expect(root.querySelectorAll("button")).toHaveLength(buttons);
    expect(root.querySelector("b")).toBeNull();
  });

  it("is not said where nobody can be asked", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    const { root } = await mount(SessionEntry);
    await settle();
    expect(root.textContent.trim()).toBe("");
  });
});

describe("the login page", () => {
  it("holds no script and no style of its own, and a form that would never put a password in an address", () => {
    expect(PAGE).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*src=)/);
    expect(PAGE).toMatch(/<form[^>]*method="post"/);
  });

  it("says in Chinese whatever it says in English", () => {
    expect(Object.keys(LOGIN_WORDS.zh)).toEqual(Object.keys(LOGIN_WORDS.en));
    for (const word of Object.values(LOGIN_WORDS.zh)) {
      expect(typeof word === "string" ? word : word("9")).toMatch(/\p{Script=Han}/u);
    }
  });
});
