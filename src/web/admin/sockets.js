// The first view: figures, the state diagram, what stands in the way, and the crSockets that are hosted here.

import { createdInWords, openCreate } from "./create.js";
import { Diagram, countsOf } from "./diagram.js";
import { make, problemPlace, setAttribute, setText, showProblem } from "./dom.js";
import { Figures } from "./figures.js";
import { Filters, Suggestions, addressOf } from "./filters.js";
import { count, length } from "./format.js";
import { List } from "./list.js";
import { Obstacles } from "./obstacles.js";
import { Table, link, text } from "./table.js";
import { METASTATES, STATES, SUB_STATES, TONES, waitsFor } from "./words.js";

const PAGE = 50;
const SORTS = { socketId: "Socket", app: "App", clientId: "clientId", state: "State", since: "Longest in its state" };
const FILTERS = ["app", "role", "state", "metastate", "subState", "clientId", "partnerClientId"];

export class SocketsView {
  title = "crSockets";
  #context;
  #filters;
  #params = {};
  #apps = [];
  #total = null;

  constructor(context, params) {
    this.#context = context;
    this.figures = new Figures();
    this.obstacles = new Obstacles(context);
    this.diagram = new Diagram(make("div", { class: "card diagram-card" }), (name) => this.#hrefOf(name));
    this.list = new List({ path: "sockets", items: "sockets", limit: PAGE, pace: context.pace }, { show: (...all) => this.#show(...all), failed: (error) => showProblem(this.problem, error) });
    this.#makeParts();
    this.element = this.#makeElement();
    this.diagram.element.addEventListener("click", (event) => event.target.closest("a") && this.section.scrollIntoView({ block: "nearest" }));
    this.update(params);
    if (context.stats !== null) {
      this.stats(context.stats);
    }
  }

  #makeParts() {
    this.problem = problemPlace();
    this.said = make("p", { class: "said", role: "status", hidden: true });
    this.heading = make("h2", { id: "sockets-title" }, "crSockets");
    this.appList = new Suggestions("apps");
    this.#filters = new Filters(
      [
        { name: "app", label: "App", suggestions: "apps" },
        { name: "role", label: "Role", options: ["controller", "responder"] },
        { name: "standing", label: "State", options: [["!interacting", "not interacting"], ...STATES, ...METASTATES.map((name) => [`meta:${name}`, `all ${name}`])] },
        { name: "subState", label: "subState", suggestions: "sub-states" },
        { name: "clientId", label: "clientId", isClientId: true },
        { name: "partnerClientId", label: "Partner", isClientId: true },
      ],
      (values) => this.#go(fromForm(values)),
    );
    this.sortBy = make("select", { onchange: () => this.#go({ ...this.#params, sort: this.sortBy.value, order: null }) }, Object.entries(SORTS).map(([value, words]) => make("option", { value }, words)));
    this.table = new Table({ caption: "crSockets that are hosted here", columns: columns(this.#context.clock), keyOf: ({ socketId }) => socketId, onSort: (sort) => this.#sort(sort) });
    this.empty = make("div", { class: "empty", hidden: true });
  }

  #makeElement() {
    const create = make("button", { type: "button", class: "button main small", onclick: () => this.#create() }, "Create crSockets");
    const sort = make("label", { class: "field phone-only" }, make("span", {}, "Sort by"), this.sortBy);
    this.section = make(
      "section",
      { class: "card list", "aria-labelledby": "sockets-title" },
      make("div", { class: "heading" }, this.heading, create),
      this.said,
      this.#filters.element,
      sort,
      this.problem,
      make("div", { class: "table" }, this.table.element),
      this.empty,
      this.list.pager,
      this.appList.element,
      new Suggestions("sub-states", SUB_STATES).element,
    );
    const overview = make("div", { class: "overview" }, this.diagram.element, this.obstacles.element);
    return make("div", { class: "view" }, make("h1", { class: "hidden-visually" }, "crSockets"), this.figures.element, overview, this.section);
  }

  /** Filters and order, as they stand in the address. */
  update(params) {
    this.#params = params;
    const filters = pick(params, FILTERS);
    const [sort, order] = [params.sort in SORTS ? params.sort : "socketId", params.order === "desc" ? "desc" : "asc"];
    this.#filters.show(toForm(filters));
    // The longest time in a state began first.
    this.table.showSort(sort, (sort === "since") === (order === "asc") ? "desc" : "asc");
    this.sortBy.value = sort;
    this.list.query({ ...filters, sort, order });
    this.#showDiagram();
    this.subscribe();
  }

  /** What this view wants to be told; of a large server no single transitions: its figures tell that there were some. */
  subscribe() {
    const { live, stats, isLarge } = this.#context;
    live.subscribe({ subscribe: stats === null || isLarge() ? ["stats"] : ["stats", "transitions"] });
  }

  stats(stats) {
    this.figures.show(stats);
    this.obstacles.show(stats);
    this.#apps = [...new Set(stats.sockets.byApp.map(({ app }) => app))].sort();
    this.appList.show(this.#apps);
    this.#showDiagram();
    this.subscribe();
    if (stats.rates.transitions > 0 || stats.rates.eventsAccepted > 0 || stats.sockets.total !== this.#total) {
      this.list.refresh();
      this.obstacles.refresh();
    }
    this.#total = stats.sockets.total;
    this.table.tick();
  }

  /** Transitions came. */
  transitions() {
    this.list.refresh();
    this.obstacles.refresh();
  }

  /** The connection is back: what is shown may be old. */
  refresh() {
    this.list.refreshNow();
    this.obstacles.refresh();
  }

  stop() {
    this.list.stop();
    this.obstacles.stop();
    this.diagram.stop();
  }

  #showDiagram() {
    const { app, role, state, metastate } = this.#params;
    const { stats } = this.#context;
    this.diagram.show(stats === null ? null : countsOf(stats, app, role), state ?? metastate ?? null);
  }

  #hrefOf(name) {
    const { app, role, sort, order } = this.#params;
    const filter = name === null ? {} : { [METASTATES.includes(name) ? "metastate" : "state"]: name };
    return addressOf("/", pick({ app, role, ...filter, sort, order }));
  }

  #go(values) {
    const { sort, order } = { ...this.#params, ...values };
    location.hash = addressOf("/", pick({ ...values, sort, order }));
  }

  #sort(sort) {
    const isSame = (this.#params.sort ?? "socketId") === sort;
    this.#go({ ...this.#params, sort, order: isSame && this.#params.order !== "desc" ? "desc" : null });
  }

  #show(sockets, total, isOther) {
    setText(this.heading, `crSockets (${count(total)})`);
    this.table.show(sockets, isOther);
    this.table.element.hidden = sockets.length === 0;
    this.empty.hidden = sockets.length > 0;
    const why = sockets.length > 0 ? "" : Object.keys(pick(this.#params, FILTERS)).length > 0 ? "filtered" : "none";
    const whose = `${why} ${this.#params.clientId ?? ""}`;
    if (this.empty.dataset.why !== whose) {
      setAttribute(this.empty, "data-why", whose);
      this.empty.replaceChildren(...(why === "filtered" ? filteredOut(this.#params.clientId) : why === "none" ? this.#noneYet() : []));
    }
  }

  #noneYet() {
    const create = make("button", { type: "button", class: "button main", onclick: () => this.#create() }, "Create a pair here");
    return [
      make("h3", {}, "No crSocket is hosted here yet"),
      make("p", {}, "This table shows the crSockets that this server hosts itself. Three ways on:"),
      make(
        "ul",
        {},
        make("li", {}, create),
        make("li", {}, "Have some at each start: a section ", make("code", {}, "[[hosted]]"), " in the configuration, with ", make("code", {}, "app"), ", ", make("code", {}, "access_token"), " and ", make("code", {}, "pairs = 1"), "."),
        make("li", {}, "Browsers host their own crSockets: see their ", make("a", { href: "#/sessions" }, "sessions"), "."),
      ),
    ];
  }

  #create() {
    openCreate(this.#apps.length > 0 ? this.#apps : ["demo"], (sockets) => {
      this.said.hidden = false;
      this.said.replaceChildren(...createdInWords(sockets));
      this.list.refreshNow();
      this.obstacles.refresh();
    });
  }
}

function filteredOut(clientId) {
  const elsewhere = clientId && make("p", {}, "It is not hosted here. Is it a browser’s? Look among the ", make("a", { href: addressOf("/sessions", { clientId }) }, `sessions for ${clientId}`), ".");
  return [make("h3", {}, "None matches these filters"), ...(elsewhere ? [elsewhere] : []), make("p", {}, make("a", { href: "#/" }, "Show all crSockets"))];
}

/** What is set, of these names (of all where none are given). */
function pick(values, names = Object.keys(values)) {
  return Object.fromEntries(names.filter((name) => values[name]).map((name) => [name, values[name]]));
}

/** State and metastate share one field. */
function toForm({ state, metastate, ...rest }) {
  return pick({ ...rest, standing: state ?? (metastate && `meta:${metastate}`) });
}

function fromForm({ standing, ...rest }) {
  if (standing === undefined) {
    return rest;
  }
  return standing.startsWith("meta:") ? { ...rest, metastate: standing.slice(5) } : { ...rest, state: standing };
}

function columns(clock) {
  const here = ({ socketId }) => `#/sockets/${socketId}`;
  const explain = ({ role, clientId, partnerClientId }) => {
    if (!clientId || !partnerClientId) {
      return null;
    }
    const [controller, responder] = role === "controller" ? [clientId, partnerClientId] : [partnerClientId, clientId];
    return addressOf("/explain", { controller, responder });
  };
  return [
    { label: "Socket", sort: "socketId", show: link(({ socketId }) => socketId, here), class: "key" },
    { label: "App", sort: "app", show: text(({ app }) => app), class: "app" },
    { label: "Role", show: text(({ role }) => role), class: "role" },
    { label: "clientId", sort: "clientId", isMarked: true, show: link(({ clientId }) => clientId ?? "none", here), class: "digits" },
    { label: "Partner", isMarked: true, show: link(({ partnerClientId }) => partnerClientId ?? "none", explain), class: "digits" },
    { label: "State", sort: "state", isMarked: true, show: showState, class: "state" },
    { label: "For", sort: "since", isTime: true, show: text(({ since }) => length(clock() - since)), class: "number" },
    { label: "Events out", show: text(({ eventsOut }) => count(eventsOut)), class: "number" },
    { label: "Events in", show: text(({ eventsIn }) => count(eventsIn)), class: "number" },
    { label: "Resets", show: text(({ resets }) => count(resets)), class: "number" },
  ];
}

function showState(cell, socket) {
  if (cell.childElementCount === 0) {
    cell.append(make("span", { class: "badge" }), " ", make("span", { class: "why" }));
  }
  const [badge, why] = cell.children;
  setText(badge, socket.state);
  setAttribute(badge, "data-tone", TONES[socket.state]);
  setText(why, waitsFor(socket));
  setAttribute(why, "title", socket.subState);
}
