// The sessions of this server, browsers' too, and what can be done with them.

import { remove } from "./api.js";
import { confirm } from "./dialog.js";
import { make, problemPlace, setAttribute, setText, showProblem } from "./dom.js";
import { Filters, Suggestions, addressOf } from "./filters.js";
import { bytes, count, length, orNone, shortLength } from "./format.js";
import { List } from "./list.js";
import { Table, text } from "./table.js";

const PAGE = 50;
const FILTERS = ["app", "role", "clientId", "standing", "hosted"];
const CONTEST_TONES = { contested: "stop", defended: "wait", quiet: "off" };

export class SessionsView {
  title = "Sessions";
  #context;
  #wasFiltered = null;

  constructor(context, params) {
    this.#context = context;
    this.problem = problemPlace();
    this.said = make("p", { class: "said", role: "status", hidden: true });
    this.heading = make("h1", { id: "sessions-title" }, "Sessions");
    this.apps = new Suggestions("session-apps");
    this.filters = new Filters(
      [
        { name: "app", label: "App", suggestions: "session-apps" },
        { name: "role", label: "Role", options: ["controller", "responder"] },
        { name: "clientId", label: "clientId", isClientId: true },
        { name: "standing", label: "Standing", options: ["session", "reserved"] },
        { name: "hosted", label: "Host", options: [["false", "outside (browsers)"], ["true", "this server"]] },
      ],
      (values) => (location.hash = addressOf("/sessions", values)),
    );
    this.list = new List({ path: "sessions", items: "sessions", limit: PAGE, pace: context.pace }, { show: (...all) => this.#show(...all), failed: (error) => showProblem(this.problem, error) });
    this.table = new Table({ caption: "Sessions of this server", columns: this.#columns(), keyOf: ({ clientId }) => clientId });
    this.empty = make("div", { class: "empty", hidden: true });
    const lead = make("p", { class: "soft" }, "Every event stream of this server, those of browsers too, and clientIds that are reserved.");
    this.element = make(
      "div",
      { class: "view" },
      make("section", { class: "card list sessions", "aria-labelledby": "sessions-title" }, this.heading, lead, this.said, this.filters.element, this.problem, make("div", { class: "table" }, this.table.element), this.empty, this.list.pager, this.apps.element),
    );
    this.update(params);
    if (context.stats !== null) {
      this.stats(context.stats);
    }
  }

  update(params) {
    const filters = Object.fromEntries(FILTERS.filter((name) => params[name]).map((name) => [name, params[name]]));
    this.isFiltered = Object.keys(filters).length > 0;
    this.filters.show(filters);
    this.list.query(filters);
    this.subscribe();
  }

  subscribe() {
    this.#context.live.subscribe({ subscribe: ["stats", "sessions"] });
  }

  stats(stats) {
    this.apps.show([...new Set(stats.sockets.byApp.map(({ app }) => app))].sort());
    this.list.refresh();
  }

  sessions() {
    this.list.refresh();
  }

  refresh() {
    this.list.refreshNow();
  }

  stop() {
    this.list.stop();
  }

  #show(sessions, total, isOther) {
    setText(this.heading, `Sessions (${count(total)})`);
    this.table.show(sessions, isOther);
    this.table.element.hidden = sessions.length === 0;
    this.empty.hidden = sessions.length > 0;
    if (sessions.length === 0 && this.#wasFiltered !== this.isFiltered) {
      const all = make("p", {}, make("a", { href: "#/sessions" }, "Show all sessions"));
      const none = make("p", {}, "A session begins when a browser or another client opens its event stream, or when a crSocket that is ", make("a", { href: "#/" }, "hosted here"), " connects.");
      this.empty.replaceChildren(make("h2", {}, this.isFiltered ? "None matches these filters" : "Nobody is connected"), this.isFiltered ? all : none);
      this.#wasFiltered = this.isFiltered;
    }
  }

  #columns() {
    const ofStream = (of) => text((session) => (session.standing === "reserved" ? "–" : of(session)));
    return [
      { label: "clientId", show: text(({ clientId }) => clientId), class: "key digits" },
      { label: "App", class: "app", show: ofStream(({ app }) => orNone(app)) },
      { label: "Role", class: "role", show: ofStream(({ role }) => orNone(role)) },
      { label: "Standing", isMarked: true, show: showStanding, class: "state" },
      { label: "Open", show: ofStream(({ openForMs }) => length(openForMs)), class: "number" },
      { label: "Silent", show: ofStream(({ silentForMs }) => shortLength(silentForMs)), class: "number" },
      { label: "Waiting", show: showWaiting, class: "number" },
      { label: "Out", show: ofStream(({ framesOut, bytesOut }) => `${count(framesOut)} · ${bytes(bytesOut)}`), class: "number" },
      { label: "Pairing", show: showPairing, class: "pairing" },
      { label: "From", show: showFrom, class: "from" },
      { label: "Actions", show: (cell, session) => this.#showActions(cell, session), class: "actions" },
    ];
  }

  #showActions(cell, session) {
    if (cell.childElementCount === 0) {
      const button = (word, act, danger) => make("button", { type: "button", class: `button small${danger ? " danger" : ""}`, "aria-label": `${word} ${session.clientId}`, onclick: act }, word);
      cell.append(button("Recycle", () => this.#end(session.clientId, false)), button("Abort", () => this.#end(session.clientId, true), true));
    }
    [...cell.children].forEach((button) => (button.hidden = session.standing === "reserved"));
  }

  #end(clientId, isAbort) {
    const texts = isAbort
      ? ["Abort", "Its stream is ended for good: its client stays away until its user comes back to it."]
      : ["Recycle", "Its stream is ended, and its client opens another one at once. Nothing that waits is lost."];
    confirm({
      title: `${texts[0]} the session of ${clientId}?`,
      text: texts[1],
      word: texts[0],
      act: async () => {
        await remove(`sessions/${encodeURIComponent(clientId)}`, isAbort ? { abort: true } : {});
        this.said.hidden = false;
        setText(this.said, `The session of ${clientId} was ${isAbort ? "aborted" : "recycled"}.`);
        this.list.refreshNow();
      },
    });
  }
}

/** Where its partner is known, the two of them. */
export function explainHref({ clientId, role, lastPinged, lastReject }) {
  const partner = lastPinged?.clientId ?? lastReject?.by ?? "";
  return addressOf("/explain", role === "responder" ? { controller: partner, responder: clientId } : { controller: clientId, responder: partner });
}

function showStanding(cell, { standing, contest, reservedForMs }) {
  if (cell.childElementCount === 0) {
    cell.append(make("span", { class: "badge" }), " ", make("span", { class: "why" }));
  }
  const [badge, why] = cell.children;
  const isReserved = standing === "reserved";
  const isContested = contest === "contested" || contest === "defended";
  setText(badge, isContested ? contest : standing);
  setAttribute(badge, "data-tone", isReserved ? "off" : isContested ? CONTEST_TONES[contest] : "good");
  setText(why, isReserved ? `for ${length(reservedForMs)} more` : isContested ? "another stream wants this clientId" : "");
}

function showWaiting(cell, { queue, waiting }) {
  const frames = queue?.frames ?? 0;
  setText(cell, waiting ? `${count(frames)} + ${count(waiting)} kept` : count(frames));
  setAttribute(cell, "title", queue ? `${count(queue.frames)} frames, ${count(queue.events)} events, ${bytes(queue.bytes)}` : null);
}

/** Whom it pinged, who rejected it, and a link to what stands between the two. */
function showPairing(cell, session) {
  if (cell.childElementCount === 0) {
    cell.append(make("span"), " ", make("a", { "aria-label": `Explain ${session.clientId}` }, "explain"));
  }
  const { lastPinged, lastReject } = session;
  const pinged = lastPinged && `pinged ${lastPinged.clientId} ${shortLength(lastPinged.agoMs)} ago`;
  const rejected = lastReject && `rejected by ${lastReject.by ?? "the server"} (${lastReject.reason}) ${shortLength(lastReject.agoMs)} ago`;
  const [words, explain] = cell.children;
  setText(words, [pinged, rejected].filter(Boolean).join("; ") || "–");
  setAttribute(explain, "href", explainHref(session));
}

function showFrom(cell, { hosted, remoteAddress, userAgent }) {
  if (cell.childElementCount === 0) {
    cell.append(make("span"), " ", make("small", { class: "soft agent" }));
  }
  const [where, agent] = cell.children;
  setText(where, hosted ? "hosted here" : orNone(remoteAddress));
  setText(agent, hosted ? "" : (userAgent ?? ""));
  setAttribute(agent, "title", hosted ? null : userAgent);
}
