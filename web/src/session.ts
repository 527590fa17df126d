/** Who the reader is to the service, and the way to its login page and out. Owns the requests; draws nothing. */
import { isFields, parseJson } from "./guards.ts";

export interface Reader {
  readonly name: string;
  /** Whether they logged in at the service's own page, rather than at a proxy's. */
  readonly canLogOut: boolean;
}

/** Leaves for the login page if the service's own word is to log in; from there this very view is come back to. */
export async function leaveForLogin(response: Response): Promise<void> {
  if (response.status !== 401) return;
  const json = parseJson(await response.text());
  if (isFields(json) && json["login"] === true) toLogin();
}

/** Null where nobody is asked who they are, or the service does not say. */
export async function fetchReader(): Promise<Reader | null> {
  try {
    const response = await fetch("api/v1/session", { headers: { Accept: "application/json" }, cache: "no-store" });
    const json = response.ok ? parseJson(await response.text()) : null;
    if (!isFields(json) || typeof json["name"] !== "string") return null;
    return { name: json["name"], canLogOut: json["can_log_out"] === true };
  } catch {
    return null;
  }
}

/** Ends the session; false if the service did not take that. */
export async function logOut(): Promise<boolean> {
  try {
    const response = await fetch("logout", { method: "POST", credentials: "same-origin", cache: "no-store" });
    if (response.ok) toLogin();
    return response.ok;
  } catch {
    return false;
  }
}

function toLogin(): void {
  window.location.assign(`login${window.location.search}${window.location.hash}`);
}
