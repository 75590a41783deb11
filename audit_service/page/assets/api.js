/** API: requests of the service, and what it says of those that it refuses. */

import { root } from "./store.js";

const UNAUTHORIZED = 401;
export const SESSION_HAS_ENDED = "The session has ended. Load the page again to sign in.";

/** What the service answers a request with that it refuses. */
export class Refused extends Error {
  constructor(status, problem) {
    const text = problem.detail ?? problem.title ?? `The service answers ${status}`;
    super(status === UNAUTHORIZED ? SESSION_HAS_ENDED : text);
    this.status = status;
    this.rules = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}`);
  }
}

/** The text at a path below `/v1`, or of the page. Throws Refused, and what `fetch` throws. */
export async function textOf(path, signal) {
  const response = await fetch(root + path, { signal });
  if (!response.ok && !response.headers.get("content-type")?.startsWith("text/html")) {
    throw new Refused(response.status, await response.json().catch(() => ({})));
  }
  if (response.status === UNAUTHORIZED) throw new Refused(UNAUTHORIZED, {});
  return response.text();
}

/** The JSON at a path below `/v1`. */
export async function jsonOf(path, signal) {
  return JSON.parse(await textOf(path, signal));
}

/** Whether an error is only that the request was no longer wanted. */
export function wasAborted(error) {
  return error.name === "AbortError";
}
