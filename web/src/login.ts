/**
 * The login page. Owns the form: what is typed goes to the service in a body, never in an address, and the way back leads
 * to the view that the page was opened for, which stands behind the `?` and the `#` of this page's own address.
 */
import "./style.css";
import "./login.css";
import { loadSettings } from "./settings.ts";
import { LOGIN_WORDS } from "./words/login.ts";

const { theme, language } = loadSettings();
const isChinese = language === "system" ? navigator.language.startsWith("zh") : language === "zh";
const words = LOGIN_WORDS[isChinese ? "zh" : "en"];

function element<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`no ${id}`);
  return found;
}

const form = element("login", HTMLFormElement);
const name = element("name", HTMLInputElement);
const password = element("password", HTMLInputElement);
const said = element("said", HTMLParagraphElement);

document.documentElement.lang = isChinese ? "zh-CN" : "en";
if (theme !== "system") document.documentElement.dataset["theme"] = theme;
document.title = words.title;
for (const label of document.querySelectorAll<HTMLElement>("[data-word]")) {
  const word = label.dataset["word"];
  if (word === "name" || word === "password" || word === "logIn") label.textContent = words[word];
}

async function logIn(): Promise<string | null> {
  let response: Response;
  try {
    response = await fetch("login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "same-origin",
      cache: "no-store",
      body: JSON.stringify({ name: name.value, password: password.value }),
    });
  } catch {
    return words.unreachable;
  }
  switch (response.status) {
    case 204:
      return null;
    case 400:
    case 401:
      return words.wrong;
    case 403:
      return words.foreign;
    case 429:
    case 503:
      return words.tooMany(response.headers.get("Retry-After") ?? "60");
    default:
      return words.unreachable;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = element("login", HTMLFormElement).querySelector("button");
  if (button?.disabled === true) return;
  if (button !== null) button.disabled = true;
  said.textContent = "";
  void logIn().then((failure) => {
    if (failure === null) {
      window.location.replace(`./${window.location.search}${window.location.hash}`);
      return;
    }
    if (button !== null) button.disabled = false;
    said.textContent = failure;
    password.select();
  });
});
name.focus();
