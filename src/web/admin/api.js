// Requests to the API, and what goes wrong with them.

const BASE = new URL("api/", document.baseURI);

/** An answer that is none of success, or none at all. Its message is for whoever asked. */
export class ApiError extends Error {
  /** @param status 0 where there was no answer. @param retryAfterMs null where the server does not say. */
  constructor(message, status, retryAfterMs = null) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Is told of each 401. */
let tokenNeeded = () => {};

export function onTokenNeeded(listener) {
  tokenNeeded = listener;
}

/** @param query absent and empty values are left out. */
export const get = (path, query = {}, signal = undefined) => ask("GET", withQuery(new URL(path, BASE), query), undefined, signal);
export const post = (path, body) => ask("POST", new URL(path, BASE), body);
export const patch = (path, body) => ask("PATCH", new URL(path, BASE), body);
export const remove = (path, query = {}) => ask("DELETE", withQuery(new URL(path, BASE), query));
export const login = (token) => ask("POST", new URL("login", document.baseURI), { token });
export const logout = () => ask("POST", new URL("logout", document.baseURI));

function withQuery(url, query) {
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") {
      url.searchParams.set(key, value === true ? "" : value);
    }
  }
  return url;
}

async function ask(method, url, body, signal) {
  let response;
  try {
    response = await fetch(url, {
      method,
      signal,
      cache: "no-store",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new ApiError("The server does not answer.", 0);
  }
  if (!response.ok) {
    throw await failure(response, url);
  }
  if (response.status === 204) {
    return null;
  }
  return response.json().catch(() => {
    throw new ApiError("The server answered something that is not JSON.", response.status);
  });
}

async function failure(response, url) {
  const problem = await response.json().catch(() => ({}));
  const retryAfterMs = retryAfter(response.headers.get("Retry-After"));
  if (response.status === 401 && !url.pathname.endsWith("/login")) {
    tokenNeeded();
  }
  const message = problem?.detail ?? problem?.title ?? `The server answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(String(message), response.status, retryAfterMs);
}

/** Seconds, or a date. */
function retryAfter(header) {
  if (header === null) {
    return null;
  }
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
