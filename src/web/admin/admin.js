// The admin page: which view is shown, how the connection is, and whether a token is needed.

import * as api from "./api.js";
import { byId, setAttribute, setText } from "./dom.js";
import { ExplainView } from "./explain.js";
import { shortLength, timeOfDay } from "./format.js";
import { BRISK, Live, SPARING } from "./live.js";
import { LoginView } from "./login.js";
import { ServerView } from "./server.js";
import { SessionsView } from "./sessions.js";
import { SocketView } from "./socket.js";
import { SocketsView } from "./sockets.js";

/** Set once somebody logged in here: the session cookie itself is not to be seen. */
const LOGGED_IN = "crsocket-admin-logged-in";
/** A connection that is back so soon was hardly lost. */
const LOST_SHOWN_MS = 700;

/** From so many crSockets or sessions on, this page is sparing with its questions. */
const LARGE = 2_000;

const live = new Live();
/** What the server's clock is ahead of this one. */
let aheadMs = 0;
const context = {
  live,
  stats: null,
  clock: () => Date.now() + aheadMs,
  isLarge: () => context.stats !== null && Math.max(context.stats.sockets.total, context.stats.sessions.total) > LARGE,
  pace: () => (context.isLarge() ? SPARING : BRISK),
};

let view = null;
let shown = "";
let lost = null;
/** The server's version when this page was loaded. */
let firstVersion = null;

// Views

function wanted() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  const params = Object.fromEntries(new URLSearchParams(query ?? ""));
  const [, name = "", id = ""] = path.split("/");
  if (name === "sockets" && /^\d+$/.test(id)) {
    return { name: "sockets", key: `socket ${id}`, params, make: () => new SocketView(context, params, id) };
  }
  const View = { sessions: SessionsView, explain: ExplainView, server: ServerView }[name] ?? SocketsView;
  const known = View === SocketsView ? "sockets" : name;
  return { name: known, key: known, params, make: () => new View(context, params) };
}

function showView() {
  const next = wanted();
  if (view instanceof LoginView) {
    return;
  }
  if (next.key === shown) {
    view.update(next.params);
    return;
  }
  const isFirst = shown === "";
  place(next.make(), next.key);
  for (const link of document.querySelectorAll("[data-view]")) {
    setAttribute(link, "aria-current", link.dataset.view === next.name ? "page" : null);
  }
  if (!isFirst) {
    scrollTo(0, 0);
    byId("main").focus({ preventScroll: true });
  }
}

function place(next, key) {
  view?.stop();
  view = next;
  shown = key;
  document.title = `${next.title} – CRSocket admin`;
  byId("main").replaceChildren(next.element);
}

// The token

function needToken() {
  if (view instanceof LoginView) {
    return;
  }
  live.stop();
  showConnection("token", "token needed");
  byId("lost").hidden = true;
  remember(false);
  document.body.dataset.login = "";
  place(new LoginView(entered), "login");
  view.token.focus();
}

function entered() {
  remember(true);
  delete document.body.dataset.login;
  view.stop();
  view = null;
  shown = "";
  showConnection("connecting", "connecting");
  showView();
  live.start();
}

function remember(isLoggedIn) {
  byId("logout").hidden = !isLoggedIn;
  try {
    if (isLoggedIn) {
      localStorage.setItem(LOGGED_IN, "yes");
    } else {
      localStorage.removeItem(LOGGED_IN);
    }
  } catch {
    // Storage may be forbidden: then the button is gone after a reload.
  }
}

function wasLoggedIn() {
  try {
    return localStorage.getItem(LOGGED_IN) !== null;
  } catch {
    return false;
  }
}

byId("logout").addEventListener("click", async () => {
  try {
    await api.logout();
    needToken();
  } catch {
    // The connection is lost, which the page says already.
  }
});

// The connection

function showConnection(standing, words) {
  byId("connection").dataset.standing = standing;
  setText(byId("connection"), words);
}

live.addEventListener("open", () => {
  const wasLost = lost !== null;
  lost = null;
  byId("lost").hidden = true;
  showConnection("live", "live");
  readStats();
  if (wasLost) {
    view?.refresh?.();
  }
});

live.addEventListener("lost", ({ detail }) => {
  lost = { since: lost?.since ?? Date.now(), nextTryAt: detail.nextTryAt };
  showConnection("lost", "lost, trying again");
  showLost();
  readStats();
});

/** At once, as the first ones would come a second later. Also, a WebSocket does not tell why it was refused; this does. */
function readStats() {
  api.get("stats").then(showStats, () => {});
}

function showLost() {
  if (lost === null || view instanceof LoginView) {
    return;
  }
  const leftMs = lost.nextTryAt - Date.now();
  byId("lost").hidden = Date.now() - lost.since < LOST_SHOWN_MS;
  setText(byId("lost-note"), leftMs > 0 ? `Trying again in ${shortLength(leftMs)}.` : "Trying again …");
  setText(byId("lost-as-of"), context.stats === null ? "" : `What is shown is as of ${timeOfDay(context.stats.at - aheadMs)}.`);
}
setInterval(showLost, 250);
byId("try-now").addEventListener("click", () => live.tryNow());
addEventListener("online", () => live.tryNow());

function showStats(stats) {
  if (stats.at === 0) {
    // The server has only just begun, and has not looked yet.
    return;
  }
  aheadMs = stats.at - Date.now();
  context.stats = stats;
  firstVersion ??= stats.version;
  setText(byId("version"), `CRSocket ${stats.version}${stats.version === firstVersion ? "" : ": reload this page, it is of another version"}`);
  view?.stats?.(stats);
}
live.addEventListener("stats", ({ detail }) => showStats(detail.stats));
for (const type of ["transitions", "events", "sessions", "lagged", "error"]) {
  live.addEventListener(type, ({ detail }) => view?.[type]?.(detail));
}

// An address of its own would be taken for a view.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

api.onTokenNeeded(needToken);
addEventListener("hashchange", showView);
byId("logout").hidden = !wasLoggedIn();
showView();
live.start();
