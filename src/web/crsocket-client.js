// CRSocket client for browsers: a crSocket in a page, as one module without dependencies. MIT OR Apache-2.0.
//
//     import { CrSocket } from "/crsocket/js/crsocket-client.js";
//     const socket = new CrSocket({ role: "controller", accessToken: "demo", partnerClientId: "482913" });
//     socket.addEventListener("crevent", ({ detail }) => console.log(detail.eventType, detail.eventParams));
//     await socket.until("interacting");
//     await socket.send("show", { params: ["house"] });
//
// Everything above `Machine` is pure: inputs and the time in, effects out. It does what the server's own crSockets do (the
// sections are those of the specification), and is held to them by sequences of inputs and effects that their tests write.
// Below it is what touches the browser: streams, requests, timers, the page. The types are in crsocket-client.d.ts.

/** Section 8, in milliseconds, and two bounds. */
const DEFAULTS = {
  serverInteractionCompleteDt: 1_000,
  minCrEventDt: 1_000,
  interactingMaxEventOutDt: 10_000,
  searchingMaxEventOutDt: 5_000,
  partnerActiveMaxEventInDt: 25_000,
  invalidClientIdRetryDt: 5_000,
  eventSourceSendAliveDt: 12_000,
  sendAnswerDt: 5_000,
  helloMaxDt: 10_000,
  unassignWaitDt: 600_000,
  releaseDt: 0,
  maxEventDataLength: 8_192,
  maxQueued: 1_000,
};

/** A timer that fires later than this after its time means that the device slept. */
const ASLEEP = 5_000;
/** A stream that lived this long was a good one: the next opening does not wait. */
const GOOD_LIFE = 10_000;
/** What is assigned is a text, `null` for nothing, or this where it is not valid. */
const INVALID = "";

const FRAMES = ["hello", "alive", "crEvent", "closed", "aborted", "shutdown"];
const RESERVED = ["ping", "inactive", "unassign", "reject"];
const isWord = (text) => /^[0-9A-Za-z]*$/.test(text);
const isClientId = (text) => /^[0-9]{6}$/.test(text);
const isAccessToken = (text) => /^[!-~]+$/.test(text);
/** A number is no clientId: its zeros in front are lost. */
const assigned = (value, isValid) =>
  value == null ? null : typeof value === "string" && isValid(value) ? value : INVALID;

// Section 2: crEvents and their event data strings.

const crEvent = (eventType, eventSubType = "", more = {}) => ({
  eventType,
  eventSubType,
  eventParams: [],
  buffered: false,
  logged: false,
  interceptable: true,
  sendCt: null,
  receiveCt: null,
  senderClientId: null,
  ...more,
});

function eventData(event, sender) {
  const { eventType, eventSubType, buffered, logged, interceptable, sendCt, receiveCt, eventParams } = event;
  const times = [sendCt ?? NaN, receiveCt ?? NaN];
  return [eventType, eventSubType, buffered, logged, interceptable, ...times, sender, ...eventParams].join(",");
}

/** Never fails: missing fields are empty, a time that is no number is unknown. */
function parseEventData(data) {
  const [eventType, eventSubType = "", buffered, logged, interceptable, sendCt, receiveCt, sender, ...eventParams] =
    data.split(",");
  return crEvent(eventType, eventSubType, {
    eventParams,
    buffered: buffered === "true",
    logged: logged === "true",
    interceptable: interceptable !== "false",
    sendCt: parseTime(sendCt),
    receiveCt: parseTime(receiveCt),
    senderClientId: isClientId(sender) ? sender : null,
  });
}

function parseTime(text = "") {
  const time = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Math.trunc(Number(text)) + 0 : NaN;
  return Math.abs(time) < 2 ** 63 ? time : null;
}

/** A positive number below 2^53, as text; null for anything else. */
function parsePid(text) {
  const pid = /^[0-9]{1,16}$/.test(text) ? Number(text) : 0;
  return pid > 0 && Number.isSafeInteger(pid) ? String(pid) : null;
}

/** What is wrong with an event of the enclosing client. */
function faultOf(event, timing) {
  if (!event.eventType || !isWord(event.eventType)) return "eventType";
  if (!isWord(event.eventSubType)) return "eventSubType";
  if (event.eventParams.some((param) => param.includes(","))) return "eventParams";
  if (RESERVED.includes(event.eventType)) return "reserved";
  const data = eventData({ ...event, sendCt: event.sendCt ?? 1e12 }, "000000");
  return new TextEncoder().encode(data).length > timing.maxEventDataLength ? "tooLong" : null;
}

/** Doubling waits with a jitter of 25 % either way. */
class Backoff {
  base = 500;
  waits = 0;

  setBase(after) {
    this.base = Math.min(Math.max(after, 100), 15_000);
  }

  reset() {
    this.waits = 0;
  }

  next(random) {
    const wait = Math.min(this.base * 2 ** this.waits, 15_000);
    if (wait < 15_000) this.waits += 1;
    return Math.trunc((wait * (750 + (random % 501))) / 1000);
  }
}

const isStatusToRetry = (status) => status === 429 || (status >= 500 && status < 600);
const isWorthAnotherTry = (outcome) =>
  outcome === "noConnection" || outcome?.status === 429 || outcome?.status === 503;
const sameCredentials = (a, b) => a?.clientId === b?.clientId && a?.accessToken === b?.accessToken;

/**
 * What the four machines have in common: inputs are objects with one key, the name of the method that takes it. What they
 * ask for goes to `out`: effects for the world, and letters to each other.
 */
class Part {
  constructor(timing, out) {
    this.timing = timing;
    this.out = out;
  }

  handle(input, step) {
    this.step = step;
    const [[name, value]] = Object.entries(input);
    this[name](value);
  }

  tell(to, input) {
    this.out.push({ to, input });
  }

  setTimer(timer, after) {
    this.out.push({ setTimer: { timer, after } });
  }

  cancelTimer(timer) {
    this.out.push({ cancelTimer: timer });
  }

  isLate(due) {
    return this.step.now - due > ASLEEP;
  }
}

/** Why no stream can be opened with these facts, or why this one must close: the first reason that applies, or null. */
function whyNotOpen(facts, stream) {
  if (!facts.clientActive) return "clientNotActive";
  if (!facts.clientId || (stream && facts.clientId !== stream.clientId)) return "noClientId";
  if (facts.accessToken === INVALID) return "invalidAccessToken";
  if (!facts.accessToken || (stream && facts.accessToken !== stream.accessToken)) return "noAccessToken";
  return null;
}

/** Section 5: opens the client's event stream, keeps it alive, gets it back when it breaks. */
class Receiver extends Part {
  facts = { clientActive: false, clientId: null, accessToken: null };
  revision = 0;
  /** none, waiting, requested, open, closing, aborted; with what belongs to it. */
  stream = { is: "none" };
  number = 0;
  resume = false;
  backoff = new Backoff();
  /** The one timer that is armed, and when it is due. */
  armed = null;
  overtaken = [];

  get state() {
    const { is, why } = this.stream;
    if (is === "none") return ["closed", whyNotOpen(this.facts) ?? "clientNotActive"];
    if (is === "waiting" || is === "requested") return ["opening", ""];
    return [is, why ?? ""];
  }

  /** What its crSocket is told of it. */
  get view() {
    const { is, isError, credentials } = this.stream;
    const stands = is === "open" || is === "closing";
    return { state: this.state, isError: !!isError, stream: stands ? credentials : null };
  }

  handle(input, step) {
    const before = this.view;
    if (input.frame || input.retry || input.ended) {
      const [{ stream }] = Object.values(input);
      if (stream === this.number) super.handle(input, step);
    } else {
      super.handle(input, step);
    }
    this.step = step;
    this.openIfDue();
    const view = this.view;
    if (input.set || !sameView(before, view)) {
      this.tell("socket", { receiverReport: { view, revision: this.revision } });
    }
  }

  set({ facts, revision }) {
    const changed = facts.clientActive !== this.facts.clientActive || !sameCredentials(facts, this.facts);
    this.resume &&= sameCredentials(facts, this.facts);
    this.facts = facts;
    this.revision = revision;
    const { stream } = this;
    const whyNot = whyNotOpen(facts);
    if (stream.is === "aborted" || (stream.is === "waiting" && changed)) this.leave();
    else if (stream.is === "requested" && (whyNot || !sameCredentials(facts, stream.credentials))) this.drop();
    else if (stream.is === "open") this.close(whyNotOpen(facts, stream.credentials));
    else if (stream.is === "closing") stream.why = whyNot ?? stream.why;
  }

  frame({ name, data }) {
    const [text, reason = ""] = name === "aborted" ? data.split(",") : [data];
    const pid = parsePid(text);
    if (!FRAMES.includes(name) || (name !== "crEvent" && !pid)) return;
    // A timer that should have fired long ago means that the device slept, also if the frame came first.
    if (this.armed && this.isLate(this.armed.due)) this.woke();
    const { stream } = this;
    if (name === "crEvent") {
      if (stream.is !== "open" && stream.is !== "closing") return;
      if (stream.is === "open") this.heard();
      const stale = this.step.now < stream.staleUntil;
      this.tell("socket", { received: { event: parseEventData(data), credentials: stream.credentials, stale } });
    } else if (stream.is === "requested") {
      if (name === "hello") this.opened(pid);
      else if (name === "aborted") this.aborted(reason);
    } else if (stream.is === "open" && name === "hello") {
      Object.assign(stream, { pid, helloAt: this.step.now, lastOut: this.step.now });
      this.heard();
    } else if (pid === stream.pid) {
      if (name === "alive") Object.assign(stream, { awaitingEcho: false, staleUntil: -Infinity });
      else if (stream.is === "closing") this.lastWords(name);
      else if (name === "aborted") this.aborted(reason);
      else if (name === "closed") this.broke(false);
      else if (name === "shutdown") this.recycled();
    }
  }

  lastWords(name) {
    if (name !== "hello") this.drop();
  }

  heard() {
    Object.assign(this.stream, { lastIn: this.step.now, awaitingEcho: false });
  }

  opened(pid) {
    const { now } = this.step;
    const { credentials } = this.stream;
    const moments = { since: now, helloAt: now, lastIn: now, lastOut: now, staleUntil: -Infinity };
    this.stream = { is: "open", credentials, pid, awaitingEcho: false, ...moments };
    this.resume = false;
    this.arm("alive", this.timing.eventSourceSendAliveDt);
  }

  retry({ after }) {
    this.backoff.setBase(after);
  }

  ended({ how }) {
    const { is } = this.stream;
    if (is === "requested" && (how === "notEventStream" || (typeof how === "number" && !isStatusToRetry(how)))) {
      this.giveUp("error", this.healAfter(), true);
    } else if (is === "requested" || is === "open") {
      this.broke(true);
    } else if (is === "closing") {
      this.leave();
    }
  }

  /** The stream is lost: opening again, with backoff. */
  broke(resume) {
    const wasOpen = this.stream.is === "open";
    this.hadGoodLife();
    this.drop();
    if (wasOpen) this.resume = resume;
    this.wait();
  }

  /** `shutdown`: at once if the stream had a good life, else with backoff. */
  recycled() {
    const atOnce = this.hadGoodLife();
    this.drop();
    this.resume = false;
    if (!atOnce) this.wait();
  }

  hadGoodLife() {
    const good = this.stream.is === "open" && this.step.now - this.stream.since >= GOOD_LIFE;
    if (good) this.backoff.reset();
    return good;
  }

  wait() {
    this.stream = { is: "waiting" };
    this.arm("reopen", this.backoff.next(this.step.random));
  }

  aborted(reason) {
    let retry = null;
    if (reason === "clientNotAlive") {
      this.hadGoodLife();
      retry = this.backoff.next(this.step.random);
    } else if (reason === "clientIdInUse") {
      retry = this.healAfter();
    } else if (reason === "releasedByOther") {
      retry = this.wasOvertaken() ? 1_000 : null;
    }
    this.giveUp(reason, retry, false);
  }

  /** Released by an overtaken request of one's own; tried again at most twice a minute. */
  wasOvertaken() {
    const { now } = this.step;
    const byOneself = this.stream.is === "open" && now - this.stream.helloAt < this.timing.helloMaxDt;
    this.overtaken = this.overtaken.filter((at) => now - at < 60_000);
    if (!byOneself || this.overtaken.length === 2) return false;
    this.overtaken.push(now);
    return true;
  }

  giveUp(why, retry, isError) {
    this.drop();
    this.resume = false;
    this.stream = { is: "aborted", why, isError };
    if (retry !== null) this.arm("reopen", retry);
  }

  healAfter() {
    return 15_000 + (this.step.random % 45_001);
  }

  sent() {
    if (this.stream.is === "open") this.stream.lastOut = this.step.now;
  }

  /** Several timers are late after one sleep: one `alive` will do. */
  woke() {
    if (this.stream.is === "open" && this.step.now >= this.stream.staleUntil) this.wake();
  }

  wake() {
    this.stream.staleUntil = this.step.now + this.timing.sendAnswerDt;
    this.sendAlive();
  }

  timer(timer) {
    const { armed, stream } = this;
    const { now } = this.step;
    if (armed?.timer !== timer || now < armed.due) return;
    this.armed = null;
    if (stream.is === "requested") this.broke(true);
    else if (stream.is === "open") this.aliveIsDue(armed.due);
    else if (stream.is === "closing") this.drop();
    else this.stream = { is: "none" };
  }

  aliveIsDue(due) {
    const { stream } = this;
    const wait = Math.min(stream.lastIn, stream.lastOut) + this.timing.eventSourceSendAliveDt - this.step.now;
    if (this.isLate(due)) this.wake();
    else if (wait > 0) this.arm("alive", wait);
    else if (stream.awaitingEcho) this.broke(true);
    else this.sendAlive();
  }

  sendAlive() {
    const { now } = this.step;
    Object.assign(this.stream, { lastIn: now, lastOut: now, awaitingEcho: true });
    this.postToOneself("alive");
    this.arm("alive", this.timing.eventSourceSendAliveDt);
  }

  close(why) {
    if (!why) return;
    this.postToOneself("close");
    const { credentials, pid, staleUntil } = this.stream;
    this.stream = { is: "closing", credentials, pid, why, staleUntil };
    this.arm("close", this.timing.serverInteractionCompleteDt);
  }

  postToOneself(eventType) {
    const { credentials, pid } = this.stream;
    const post = { ...credentials, recipientClientId: credentials.clientId, eventType, pid, request: null };
    this.tell("line", { post });
  }

  openIfDue() {
    if (this.stream.is !== "none" || whyNotOpen(this.facts)) return;
    const { clientId, accessToken } = this.facts;
    this.number += 1;
    this.out.push({ open: { stream: this.number, clientId, accessToken, resume: this.resume } });
    this.stream = { is: "requested", credentials: { clientId, accessToken } };
    this.arm("hello", this.timing.helloMaxDt);
  }

  /** Gives the present stream up: its connection is dropped, what still comes of it is ignored. */
  drop() {
    this.out.push({ drop: this.number });
    this.leave();
  }

  leave() {
    this.stream = { is: "none" };
    if (this.armed) this.cancelTimer(this.armed.timer);
    this.armed = null;
  }

  arm(timer, after) {
    if (this.armed && this.armed.timer !== timer) this.cancelTimer(this.armed.timer);
    this.armed = { timer, due: this.step.now + after };
    this.setTimer(timer, after);
  }
}

const sameState = (a, b) => a[0] === b[0] && a[1] === b[1];
const sameView = (a, b) =>
  sameState(a.state, b.state) && a.isError === b.isError && sameCredentials(a.stream, b.stream);

/** What a sender's state follows from. Its crSocket holds the same, so that both ends always agree (section 7). */
class SenderFacts {
  clientActive = false;
  clientId = null;
  accessToken = null;
  partner = null;
  rejection = null;
  /** A `ping` left since the rejection was last cleared: else a `reject` is a late one. */
  pingLeft = false;
  clearings = 0;

  setClient({ clientActive, clientId, accessToken }) {
    const same = this.clientActive === clientActive && sameCredentials(this, { clientId, accessToken });
    if (!same) this.clearRejection();
    Object.assign(this, { clientActive, clientId, accessToken });
  }

  assignPartner(partner) {
    if (this.partner !== partner || this.rejection !== null) this.clearRejection();
    this.partner = partner;
  }

  reject(rejection) {
    if (this.pingLeft) this.rejection = rejection;
  }

  clearRejection() {
    this.rejection = null;
    this.pingLeft = false;
    this.clearings += 1;
  }

  get credentials() {
    const { clientId, accessToken } = this;
    return clientId && accessToken ? { clientId, accessToken } : null;
  }

  get whyNotReady() {
    if (!this.clientId) return "noClientId";
    if (!this.accessToken) return this.accessToken === null ? "noAccessToken" : "invalidAccessToken";
    if (!this.partner) return this.partner === null ? "noPartnerClientId" : "invalidPartnerClientId";
    return null;
  }

  get state() {
    const why = this.whyNotReady;
    if (why) return ["notReady", why];
    if (this.rejection !== null) return ["partnerRejected", this.rejection];
    return ["ready", this.clientActive ? "" : "clientNotActive"];
  }

  get isReady() {
    return this.state[0] === "ready";
  }
}

/** Section 6: sends crEvents in order and spaced, keeps them while offline, says goodbye. */
class Sender extends Part {
  facts = new SenderFacts();
  isOnline = false;
  pingWaits = false;
  pingInFlight = null;
  pingClearings = 0;
  lastRequest = 0;
  /** Before these moments nothing ordinary leaves, and what failed is not tried again. */
  spacedUntil = -Infinity;
  retryAt = -Infinity;
  paceDue = null;
  backoff = new Backoff();
  /** The credentials under which the partner knows this client, if others or none count by now. */
  former = null;
  queue = [];
  kept = [];
  inFlight = [];
  unassigns = [];
  unassignDue = null;
  rejected = [];

  handle(input, step) {
    super.handle(input, step);
    this.pump();
  }

  online(online) {
    this.isOnline = online;
  }

  set(facts) {
    const { credentials, partner } = this.facts;
    if (credentials && !sameCredentials(this.facts, facts)) {
      // It would leave in another client's or user's name afterwards.
      this.flush();
      this.former = partner ? credentials : null;
    }
    this.facts.setClient(facts);
  }

  partner(partner) {
    if (this.facts.partner !== partner) {
      this.pingWaits = false;
      this.former = null;
    }
    if (partner) this.endUnassigns((unassign) => unassign.partner === partner);
    this.facts.assignPartner(partner);
  }

  rejectedBy(rejection) {
    this.facts.reject(rejection);
    if (this.facts.rejection !== null) this.pingWaits = false;
  }

  send({ ticket, event }) {
    const why = this.whyRefused(event);
    if (why !== null) return this.fate(ticket, "refused", why);
    this.fate(ticket, "queued");
    this.queue.push({ ticket, event, credentials: this.facts.credentials, recipient: this.facts.partner });
  }

  whyRefused(event) {
    const { state, isReady } = this.facts;
    if (!isReady) return state[1];
    const fault = faultOf(event, this.timing);
    if (fault) return fault;
    const mayReturn = this.inFlight.filter((sent) => sent.again && !sent.again.wasKept).length;
    const isFull = this.queue.length - this.released + mayReturn >= this.timing.maxQueued;
    return isFull ? "queueFull" : null;
  }

  /** How many of the queue were kept: they stand before the others. */
  get released() {
    const place = this.queue.findIndex((event) => !event.wasKept);
    return place < 0 ? this.queue.length : place;
  }

  ping() {
    this.pingWaits = sameState(this.facts.state, ["ready", ""]);
  }

  cancelPing() {
    this.pingWaits = false;
  }

  /** Who was assigned or rejected since it was handed over, it was not meant for. */
  pingLeft(request) {
    const { clearings } = this.facts;
    if (this.pingInFlight === request && this.pingClearings === clearings) {
      this.facts.pingLeft = true;
      this.tell("socket", { pingLeft: clearings });
    }
  }

  /** Lets leave what may: the waiting ping first, then what was kept, then the queue. */
  pump() {
    for (let freeAt = this.nextTurn(); freeAt !== null; freeAt = this.nextTurn()) {
      const wait = freeAt - this.step.now;
      if (wait > 0) return this.setPace(wait);
      if (this.pingWaits) this.sendPing();
      else this.takeTurn(this.queue.shift());
    }
  }

  /** From when on the next one may leave; null while there is none, or an answer is awaited. */
  nextTurn() {
    if (this.pingInFlight !== null || this.inFlight.length) return null;
    if (this.pingWaits) return this.spacedUntil;
    const [head] = this.queue;
    if (!head) return null;
    if (head.wasKept) return this.retryAt;
    // What is kept leaves before the queue, and behind a ping.
    return this.isOnline && this.kept.length ? null : Math.max(this.spacedUntil, this.retryAt);
  }

  sendPing() {
    this.pingWaits = false;
    const { credentials, partner, clearings } = this.facts;
    if (!credentials || !partner || !this.isOnline) return;
    this.pingInFlight = this.lastRequest += 1;
    this.pingClearings = clearings;
    this.spacedUntil = this.step.now + this.timing.minCrEventDt;
    this.say(credentials, partner, crEvent("ping"), this.pingInFlight);
  }

  /** An event's turn has come: online it leaves; offline it is kept or dropped. */
  takeTurn(event) {
    if (this.isOnline) return this.leave(event);
    const mayReturn = this.inFlight.filter((sent) => sent.again).length;
    const isFull = this.kept.length + this.released + mayReturn >= this.timing.maxQueued;
    if (!event.event.buffered) return this.fate(event.ticket, "dropped", "offline");
    if (isFull) return this.fate(event.ticket, "dropped", "bufferFull");
    this.kept.push(event);
    this.fate(event.ticket, "buffered");
  }

  leave(queued) {
    const { ticket, event, credentials, recipient } = queued;
    this.spacedUntil = this.step.now + this.timing.minCrEventDt;
    const request = (this.lastRequest += 1);
    this.markFollowed();
    this.inFlight.push({ request, ticket, again: event.buffered ? queued : null });
    this.say(credentials, recipient, event, request);
    this.fate(ticket, "sent");
  }

  outcome({ request, outcome }) {
    if (this.pingInFlight === request) {
      this.pingInFlight = null;
      // Where the ping did not arrive, what was kept would be dropped by a partner that was reloaded.
      if (outcome === "understood" || outcome === "noAnswer") this.releaseKept();
      return;
    }
    const place = this.inFlight.findIndex((sent) => sent.request === request);
    if (place >= 0) this.settled(...this.inFlight.splice(place, 1), outcome);
    // If it is no `unassign`'s last answer, the timer may have found the request under way still.
    else if (!this.unassignAnswered(request, outcome)) this.postUnassigns(this.timing.sendAnswerDt);
  }

  settled({ ticket, again }, outcome) {
    if (outcome === "understood") {
      this.backoff.reset();
      this.fate(ticket, "understood");
    } else if (outcome === "noAnswer") {
      this.fate(ticket, "unconfirmed");
    } else if (again && isWorthAnotherTry(outcome)) {
      this.retryAt = this.step.now + this.backoff.next(this.step.random);
      (this.kept.length ? this.kept : this.queue).unshift(again);
      this.fate(ticket, "buffered");
    } else {
      this.fate(ticket, "lost", outcome);
    }
  }

  /** Something left behind what is in flight: none of that may be tried again, it would come out of order. */
  markFollowed() {
    for (const sent of this.inFlight) sent.again = null;
  }

  releaseKept() {
    for (const event of this.kept) event.wasKept = true;
    this.queue.unshift(...this.kept.splice(0));
  }

  inactive() {
    this.flush();
    const { credentials, partner } = this.facts;
    if (!credentials || !partner || !this.isOnline) return;
    this.markFollowed();
    this.say(credentials, partner, crEvent("inactive"));
  }

  /** Everything that is held takes its turn now, unspaced. The waiting ping is dropped: it would pair the two again. */
  flush() {
    this.pingWaits = false;
    if (this.isOnline) this.releaseKept();
    for (const event of this.queue.splice(0)) this.takeTurn(event);
  }

  unassign() {
    this.pingWaits = false;
    const { partner } = this.facts;
    if (!partner) return;
    this.flushFor(partner);
    const credentials = this.facts.credentials ?? this.former;
    this.former = null;
    if (!credentials) return;
    const until = this.step.now + this.timing.unassignWaitDt;
    this.unassigns = this.unassigns.filter((other) => other.partner !== partner).slice(-7);
    this.unassigns.push({ partner, credentials, until, request: null, saidAt: -Infinity });
    const isOnlyOne = this.unassigns.length === 1;
    this.postUnassigns(0);
    if (isOnlyOne) this.armUnassign();
  }

  /** What is held for this partner, and buffered or logged, takes its turn now; the rest for it is dropped. */
  flushFor(partner) {
    const theirs = (event) => event.recipient === partner;
    const held = [...this.keptFor(partner), ...this.queue.filter(theirs)];
    this.queue = this.queue.filter((event) => !theirs(event));
    for (const event of held) {
      if (event.event.buffered || event.event.logged) this.takeTurn(event);
      else this.fate(event.ticket, "dropped", "unassigned");
    }
  }

  keptFor(partner) {
    if (!this.isOnline) return [];
    const theirs = this.kept.filter((event) => event.recipient === partner);
    this.kept = this.kept.filter((event) => event.recipient !== partner);
    return theirs;
  }

  /** Says again what nobody answered, if it was last said so long ago. */
  postUnassigns(silence) {
    if (!this.isOnline) return;
    const { now } = this.step;
    const isDue = (unassign) => unassign.request === null && now - unassign.saidAt >= silence;
    for (const unassign of this.unassigns.filter(isDue)) {
      // What was kept for that partner while offline is not overtaken either.
      for (const event of this.keptFor(unassign.partner)) this.takeTurn(event);
      this.markFollowed();
      unassign.request = this.lastRequest += 1;
      unassign.saidAt = now;
      const event = crEvent("unassign", "notPaired");
      this.say(unassign.credentials, unassign.partner, event, unassign.request);
    }
  }

  armUnassign() {
    this.unassignDue = this.step.now + this.timing.sendAnswerDt;
    this.setTimer("unassign", this.timing.sendAnswerDt);
  }

  /** Says whether it was the last one. */
  unassignAnswered(request, outcome) {
    const again = isWorthAnotherTry(outcome) || outcome === "noAnswer";
    return this.endUnassigns((unassign) => {
      if (unassign.request !== request) return false;
      unassign.request = null;
      return !again || this.step.now >= unassign.until;
    });
  }

  endUnassigns(ends) {
    const before = this.unassigns.length;
    this.unassigns = this.unassigns.filter((unassign) => !ends(unassign));
    const endedLast = before > 0 && this.unassigns.length === 0;
    if (endedLast) {
      this.unassignDue = null;
      this.cancelTimer("unassign");
    }
    return endedLast;
  }

  reject({ to, rejection, credentials }) {
    const { now } = this.step;
    const spacing = this.timing.minCrEventDt;
    if (!this.isOnline) return;
    if (spacing > 0) {
      this.rejected = this.rejected.filter(({ at }) => now - at < spacing);
      if (this.rejected.some((other) => other.to === to)) return;
      this.rejected = [...this.rejected.slice(-7), { to, at: now }];
    }
    this.say(credentials, to, crEvent("reject", rejection));
  }

  setPace(wait) {
    const due = this.step.now + wait;
    if (this.paceDue === due) return;
    this.paceDue = due;
    this.setTimer("pace", wait);
  }

  timer(timer) {
    const name = timer === "pace" ? "paceDue" : "unassignDue";
    const due = this[name];
    if (due === null || due > this.step.now) return;
    this[name] = null;
    if (this.isLate(due)) this.tell("socket", { woke: true });
    if (timer === "pace") return;
    this.unassigns = this.unassigns.filter(({ until, request }) => this.step.now < until || request !== null);
    if (!this.unassigns.length) return;
    this.postUnassigns(0);
    this.armUnassign();
  }

  say(credentials, recipientClientId, event, request = null) {
    this.tell("line", { post: { ...credentials, recipientClientId, eventType: "crEvent", event, request } });
  }

  fate(ticket, fate, why = null) {
    this.out.push({ fate: { ticket, fate, why } });
  }
}

/** Section 6: the sendevents of one crSocket, in order, one request at a time, so that nothing overtakes a goodbye. */
class Line extends Part {
  last = 0;
  inFlight = null;
  isUnloading = false;
  waiting = [];
  /** Requests that others followed, while unloading, before their answers came. */
  overtaken = [];

  handle(input, step) {
    super.handle(input, step);
    while (this.isFree && this.waiting.length) this.leave(this.waiting.shift());
  }

  get isFree() {
    return !this.inFlight || this.isUnloading;
  }

  /** Nothing waits, and no answer is awaited. */
  get isSettled() {
    return !this.inFlight && !this.waiting.length && !this.overtaken.length;
  }

  get most() {
    return 2 * this.timing.maxQueued + 64;
  }

  post(post) {
    if (this.isFree && !this.waiting.length) this.leave(post);
    else if (this.waiting.length < this.most) this.waiting.push(post);
    else this.settle(post, "noConnection");
  }

  unloading(unloading) {
    this.isUnloading = unloading;
  }

  leave({ request, event, pid, ...post }) {
    if (this.inFlight) {
      this.overtaken.push(this.inFlight);
      if (this.overtaken.length > this.most) this.settle(this.overtaken.shift(), "noAnswer");
    }
    const number = (this.last += 1);
    this.inFlight = { number, request, due: this.step.now + this.timing.sendAnswerDt };
    this.armAnswer();
    this.tell("receiver", { sent: true });
    // Told first: whatever answers the ping must find its crSocket knowing that it left.
    if (event?.eventType === "ping" && request !== null) this.tell("sender", { pingLeft: request });
    const data = event ? eventData({ ...event, sendCt: this.step.calendar }, post.clientId) : pid;
    this.out.push({ send: { number, ...post, eventData: data } });
  }

  answer({ number, outcome }) {
    let sent = this.inFlight;
    if (sent?.number === number) {
      this.inFlight = null;
    } else {
      const place = this.overtaken.findIndex((other) => other.number === number);
      if (place < 0) return;
      [sent] = this.overtaken.splice(place, 1);
    }
    this.armAnswer();
    this.settle(sent, outcome);
  }

  timer() {
    const { now } = this.step;
    if (!(this.nextDue <= now)) return;
    if (this.isLate(this.nextDue)) this.tell("receiver", { woke: true });
    while (this.nextDue <= now) {
      const sent = this.overtaken.shift() ?? this.inFlight;
      if (sent === this.inFlight) this.inFlight = null;
      this.settle(sent, "noAnswer");
    }
    if (this.nextDue !== undefined) this.armAnswer();
  }

  /** When the oldest request that is not answered counts as unanswered for good. */
  get nextDue() {
    return (this.overtaken[0] ?? this.inFlight)?.due;
  }

  armAnswer() {
    const due = this.nextDue;
    if (due === undefined) this.cancelTimer("answer");
    else this.setTimer("answer", Math.max(due - this.step.now, 0));
  }

  settle({ request }, outcome) {
    if (request !== null) this.tell("sender", { outcome: { request, outcome } });
  }
}

const PAIRED = ["searching", "interacting"];

/** Section 7: holds the facts, knows its children, says when to ping and when to part. */
class Socket extends Part {
  client = { visible: false, online: false, isPaused: false, unloading: false, clientId: null, accessToken: null };
  receiver = { state: ["closed", "clientNotActive"], isError: false, stream: null };
  revision = 0;
  sender = new SenderFacts();
  /** The last event of the current partner. */
  heard = null;
  assignedByPing = false;
  pingDue = null;
  /** The armed one of three timers, of which never two are: partner, release, clientId. */
  armed = null;
  state = ["passive", "noClientId"];

  constructor(role, timing, out) {
    super(timing, out);
    this.role = role;
  }

  get isPaired() {
    return PAIRED.includes(this.state[0]);
  }

  get partnerId() {
    return this.sender.partner || null;
  }

  handle(input, step) {
    super.handle(input, step);
    this.askForClientId();
  }

  visible(visible) {
    this.change("setAnew", () => (this.client.visible = visible));
  }

  online(online) {
    this.change("setAnew", () => (this.client.online = online));
  }

  paused(paused) {
    this.change("setAnew", () => (this.client.isPaused = paused));
  }

  unloading(unloading) {
    this.tell("line", { unloading });
    this.change("setAnew", () => (this.client.unloading = unloading));
  }

  /** First the goodbye with the old id, then the old stream closes, then the new id counts. */
  clientId(id) {
    if (this.client.clientId && this.client.clientId !== id) {
      const responderLetsGo = this.role === "responder" && this.isPaired;
      if (this.role === "controller") this.partnerClientId(null);
      this.change("setAnew", () => {
        this.client.clientId = null;
        this.heard = null;
      });
      if (responderLetsGo) this.partnerClientId(null);
    }
    this.change("setAnew", () => (this.client.clientId = id));
  }

  accessToken(token) {
    const old = this.client.accessToken;
    if (old && token && old !== token) this.change("setToken", () => (this.client.accessToken = null));
    this.change("setToken", () => (this.client.accessToken = token));
  }

  /** Another partner takes two steps: unassigned first, then assigned. */
  partnerClientId(partner) {
    if (this.sender.partner !== partner) this.letGo();
    this.assignedByPing = false;
    this.assign(partner);
    this.change();
  }

  /** A controller says so, in every state; a responder lets go in silence. */
  letGo() {
    const old = this.partnerId;
    if (!old) return;
    if (this.role === "controller") {
      this.tell("sender", { unassign: true });
      if (this.heard?.from === old) this.heard = null;
    }
    this.assign(null);
    this.change();
  }

  assign(partner) {
    const before = this.partnerId;
    this.tell("sender", { partner });
    this.sender.assignPartner(partner);
    if (this.partnerId !== before) this.out.push({ partnerClientId: this.partnerId });
  }

  send(event) {
    this.tell("sender", { send: event });
  }

  clientIdAnswer(id) {
    if (!id || this.client.clientId !== null) return;
    this.out.push({ clientId: id });
    this.change("setAnew", () => (this.client.clientId = id));
  }

  /** While there is none, once the stream of the old one has ended. */
  askForClientId() {
    const needed = this.client.clientId === null && !this.client.unloading && !this.receiver.stream;
    const isArmed = this.armed?.timer === "clientId";
    if (needed && !isArmed) {
      const after = this.timing.invalidClientIdRetryDt;
      this.out.push({ requestClientId: true });
      this.armed = { timer: "clientId", due: this.step.now + after };
      this.setTimer("clientId", after);
    } else if (!needed && isArmed) {
      this.armed = null;
      this.cancelTimer("clientId");
    }
  }

  receiverReport({ view, revision }) {
    if (revision === this.revision) this.change("", () => (this.receiver = view));
  }

  pingLeft(clearings) {
    if (clearings !== this.sender.clearings) return;
    this.sender.pingLeft = true;
    if (this.isPaired) this.setPingTimer();
  }

  woke() {
    this.tell("receiver", { woke: true });
  }

  timer(timer) {
    const due = timer === "ping" ? this.pingDue : this.armed?.timer === timer ? this.armed.due : null;
    if (due === null || due > this.step.now) return;
    if (timer === "ping") this.pingDue = null;
    else this.armed = null;
    if (this.isLate(due)) this.woke();
    if (timer === "ping") {
      this.tell("sender", { ping: true });
      this.setPingTimer();
    } else if (timer === "partner") {
      this.change();
    } else if (timer === "release") {
      this.release();
    }
  }

  release() {
    const goes = this.state[0] === "searching" && this.assignedByPing && this.role === "responder";
    if (goes) this.partnerClientId(null);
  }

  /** One change: the facts, the children's facts, the state, the effects, the report, in this order. */
  change(cause = "", change = () => {}) {
    const { online } = this.client;
    const wasReady = this.sender.isReady;
    const { clientActive, clientId, accessToken } = this.sender;
    change();
    if (this.client.online !== online) this.tell("sender", { online: this.client.online });
    const facts = this.countedFacts;
    const tellSender =
      facts.clientActive !== clientActive || !sameCredentials(facts, { clientId, accessToken });
    const tellReceiver = tellSender || cause !== "";
    this.sender.setClient(facts);
    if (tellReceiver) {
      this.revision += 1;
      this.receiver = viewGiven(this.receiver, facts);
    }
    const from = this.state;
    this.state = this.deriveState();
    if (wasReady && this.partsWithInactive(from, cause)) this.tell("sender", { inactive: true });
    if (tellSender) this.tell("sender", { set: facts });
    if (tellReceiver) this.tell("receiver", { set: { facts, revision: this.revision } });
    this.performEffects(from[0]);
    if (!sameState(from, this.state) || from[2] !== this.state[2]) {
      this.out.push({ state: { from: from.slice(0, 2), to: this.state.slice(0, 2) } });
    }
  }

  get isClientActive() {
    const { visible, online, isPaused, unloading } = this.client;
    return visible && online && !isPaused && !unloading;
  }

  /** While another clientId's or accessToken's stream has not ended, the new one is missing. */
  get countedFacts() {
    let { clientId, accessToken } = this.client;
    const { stream } = this.receiver;
    clientId = clientId || null;
    if (stream && clientId !== stream.clientId) clientId = null;
    if (stream && accessToken && accessToken !== stream.accessToken) accessToken = null;
    return { clientActive: this.isClientActive, clientId, accessToken };
  }

  /** Section 7's table. The third element tells states of the same name that come from different causes. */
  deriveState() {
    const { client, receiver, sender } = this;
    if (client.clientId === INVALID) return ["passive", "invalidClientId"];
    if (!sender.clientId) return ["passive", "noClientId"];
    if (!client.visible) return ["passive", "notVisible"];
    if (!client.online) return ["passive", "notOnline"];
    if (client.isPaused) return ["passive", "paused"];
    if (client.unloading) return ["passive", "unloading"];
    const [is, why] = receiver.state;
    if (is === "opening") return ["connecting", ""];
    if (is !== "open") return ["readyToConnect", why, is === "aborted" ? `aborted ${receiver.isError}` : ""];
    if (!sender.isReady) return ["readyToPair", sender.state[1], sender.state[0]];
    return this.isPartnerActive ? ["interacting", ""] : ["searching", "partnerInactive"];
  }

  get isPartnerActive() {
    const { heard } = this;
    const isRecent = heard && this.step.now - heard.at < this.timing.partnerActiveMaxEventInDt;
    return !!isRecent && heard.active && heard.from === this.partnerId;
  }

  partsWithInactive([from], cause) {
    const wasPaired = PAIRED.includes(from);
    if (this.state[0] === "passive") return wasPaired || from === "connecting";
    return ["readyToConnect", "connecting"].includes(this.state[0]) && wasPaired && cause === "setToken";
  }

  performEffects(from) {
    const is = this.state[0];
    const wasPaired = PAIRED.includes(from);
    if (this.isPaired) {
      const pings = !wasPaired || (is === "interacting" && from !== "interacting");
      if (pings) this.tell("sender", { ping: true });
      if (pings || is !== from) this.setPingTimer();
    } else if (wasPaired) {
      this.tell("sender", { cancelPing: true });
      if (this.pingDue !== null) this.cancelTimer("ping");
      this.pingDue = null;
    }
    this.setPartnerTimer();
    this.setReleaseTimer(from);
  }

  setPingTimer() {
    const paces = {
      interacting: this.timing.interactingMaxEventOutDt,
      searching: this.timing.searchingMaxEventOutDt,
    };
    const after = paces[this.state[0]];
    if (after === undefined || this.pingDue === this.step.now + after) return;
    this.pingDue = this.step.now + after;
    this.setTimer("ping", after);
  }

  /** It runs only while interacting, to the moment when the partner stops being active. */
  setPartnerTimer() {
    const runs = this.state[0] === "interacting" && this.heard;
    const due = runs ? this.heard.at + this.timing.partnerActiveMaxEventInDt : null;
    if ((this.armed?.timer === "partner" ? this.armed.due : null) === due) return;
    this.armed = due === null ? null : { timer: "partner", due };
    if (due === null) this.cancelTimer("partner");
    else this.setTimer("partner", due - this.step.now);
  }

  /** It runs while a responder is searching for a partner that a ping assigned. */
  setReleaseTimer(from) {
    const after = this.timing.releaseDt;
    const is = this.state[0];
    if (this.role !== "responder" || after === 0 || from === is) return;
    if (is === "searching" && this.assignedByPing) {
      this.armed = { timer: "release", due: this.step.now + after };
      this.setTimer("release", after);
    } else if (from === "searching") {
      if (this.armed?.timer === "release") this.armed = null;
      this.cancelTimer("release");
    }
  }

  received({ event, credentials, stale }) {
    const from = event.senderClientId;
    if (from === null) return;
    const isPing = event.eventType === "ping";
    // What still comes on the stream of an old clientId was not said to the present one.
    const meantForOther = this.client.clientId !== credentials.clientId;
    const slept = [this.pingDue, this.armed?.due].some((due) => due != null && this.isLate(due));
    if (slept) this.woke();
    const readyToPair = this.state[0] === "readyToPair";
    const mayAssign = this.role === "responder" && readyToPair && isPing;
    if (this.partnerId === from || mayAssign) {
      if (isPing && readyToPair) this.assignByPing(from);
      this.receivedFromPartner(from, event, stale || meantForOther || slept);
    } else if (isPing) {
      this.answerStranger(from, credentials);
    }
  }

  /** It lifts a rejection. A responder whose partner rejected it counts as free. */
  assignByPing(from) {
    if (this.partnerId !== from) {
      this.letGo();
      this.assignedByPing = true;
    }
    this.assign(from);
  }

  receivedFromPartner(from, event, stale) {
    const { eventType, eventSubType } = event;
    if (eventType === "unassign" && this.role === "responder") this.assign(null);
    if (eventType === "reject") {
      this.tell("sender", { rejectedBy: eventSubType });
      this.sender.reject(eventSubType);
    }
    const active = eventType === "ping" || !RESERVED.includes(eventType);
    if (!(active && stale)) this.heard = { from, at: this.step.now, active };
    this.change();
    this.out.push({ crEvent: { ...event, receiveCt: this.step.calendar } });
  }

  /** Of strangers only pings are answered, and only by who has a partner, or is a controller. */
  answerStranger(to, credentials) {
    const rejection = this.partnerId ? "assignedToOther" : "notPaired";
    const isFree = !this.partnerId || this.sender.rejection !== null;
    if (this.role === "responder" && isFree) return;
    this.tell("sender", { reject: { to, rejection, credentials } });
  }
}

/** What a receiver is from the moment when it is given these facts: what it will report, known before (section 7). */
function viewGiven({ state, isError, stream }, facts) {
  const whyNot = whyNotOpen(facts);
  if (!stream) return { state: whyNot ? ["closed", whyNot] : ["opening", ""], isError: false, stream };
  if (state[0] === "closing") return { state: ["closing", whyNot ?? state[1]], isError, stream };
  const mustClose = whyNotOpen(facts, stream);
  return { state: mustClose ? ["closing", mustClose] : state, isError, stream };
}

const TIMERS = {
  receiver: ["hello", "reopen", "alive", "close"],
  sender: ["pace", "unassign"],
  line: ["answer"],
  socket: ["ping", "partner", "clientId", "release"],
};

/** The four parts of a crSocket, wired: takes one input, lets them talk until all is said, and gives the effects. */
export class Machine {
  #out = [];

  constructor(role, timing = {}) {
    const all = { ...DEFAULTS, ...timing };
    this.socket = new Socket(role, all, this.#out);
    this.receiver = new Receiver(all, this.#out);
    this.sender = new Sender(all, this.#out);
    this.line = new Line(all, this.#out);
  }

  /** `step` has `now` and `calendar` in milliseconds, and a `random` number below 2^32. */
  handle(input, step) {
    const effects = [];
    // The last one is next: what follows from a letter is handled before what was there.
    const letters = [{ to: addressee(input), input }];
    while (letters.length) {
      const { to, input } = letters.pop();
      this[to].handle(input, step);
      const said = this.#out.splice(0);
      effects.push(...said.filter((one) => !one.to));
      letters.push(...said.filter((one) => one.to).reverse());
    }
    return effects;
  }

  get state() {
    return this.socket.state.slice(0, 2);
  }

  get receiverState() {
    return this.receiver.state;
  }

  get senderState() {
    return this.sender.facts.state;
  }
}

function addressee(input) {
  if (input.timer) return Object.keys(TIMERS).find((part) => TIMERS[part].includes(input.timer));
  if (input.frame || input.retry || input.ended) return "receiver";
  return input.answer ? "line" : "socket";
}

// What touches the browser.

/** A crEvent that was not delivered, or of which nobody knows. */
export class CrEventError extends Error {
  constructor(crEvent, fate, why) {
    super(`the crEvent ${crEvent.eventType} was ${fate === "unconfirmed" ? "not confirmed" : fate}: ${why}`);
    Object.assign(this, { name: "CrEventError", crEvent, fate, why });
  }
}

/** Milliseconds since the page began, a sleep of the device included: `performance.now()` stands still then. */
class Clock {
  #now = 0;
  #last = { page: performance.now(), calendar: Date.now() };

  now() {
    const next = { page: performance.now(), calendar: Date.now() };
    // A calendar that is put forward looks like a sleep, which does no harm.
    this.#now += Math.max(next.page - this.#last.page, next.calendar - this.#last.calendar, 0);
    this.#last = next;
    return Math.floor(this.#now);
  }
}

/** Reads the frames of an event stream, and calls for each `{ frame }` or `{ retry }`. Also knows the last `id:`. */
async function readFrames(body, call) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let event = {};
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (text + value).split(/\r\n|\n|\r(?!$)/);
    text = lines.pop();
    for (const line of lines) event = readLine(line, event, call);
  }
}

function readLine(line, event, call) {
  if (line === "") {
    if (event.retry) call({ retry: { after: Number(event.retry) } });
    if (event.event) call({ frame: { name: event.event, data: decode(event.data ?? "") } }, event.id);
    return {};
  }
  const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
  return { ...event, [field]: value };
}

/** Never throws: what is no escape stands for itself. */
function decode(data) {
  try {
    return decodeURIComponent(data);
  } catch {
    return data;
  }
}

/** Asked for each time: where storage is forbidden, the question itself is an error. */
const ofTab = () => sessionStorage;
const ofBrowser = () => localStorage;

/**
 * The clientIds that this browser keeps for one app and role. Two tabs do not fight for one: each asks the others before it
 * takes one. (Web locks would do, but a server without TLS has none.)
 */
class KeptIds {
  #key;
  #channel;
  #mine = null;
  #rank = Math.random();
  #taken = new Set();

  constructor(key) {
    this.#key = key;
    this.#channel = new BroadcastChannel(key);
    this.#channel.onmessage = ({ data: { asks, rank, taken } }) => {
      if (taken) this.#taken.add(taken);
      if (!asks || asks !== this.#mine) return;
      // Of two that ask at once one gets it: the other gives way, though nobody was there to answer when it asked.
      if (rank > this.#rank) this.#taken.add(asks);
      else this.#channel.postMessage({ taken: asks });
    };
  }

  /** One that no other tab has; null where there is none. */
  async claim() {
    for (const id of new Set([this.#remembered(ofTab)[0], ...this.#remembered(ofBrowser)])) {
      if (id && (await this.#isFree(id))) return id;
    }
    this.#mine = null;
    return null;
  }

  async #isFree(id) {
    this.#mine = id;
    this.#taken.delete(id);
    this.#channel.postMessage({ asks: id, rank: this.#rank });
    await new Promise((resolve) => setTimeout(resolve, 100));
    // From now on nobody else may have it.
    if (!this.#taken.has(id)) this.#rank = Infinity;
    return !this.#taken.has(id);
  }

  /** This tab has this one now, instead of the one it had. */
  keep(id) {
    const others = this.#remembered(ofBrowser).filter((other) => other !== id && other !== this.#mine);
    this.#mine = id;
    this.#rank = Infinity;
    this.#write(ofTab, [id]);
    this.#write(ofBrowser, [id, ...others].slice(0, 8));
  }

  close() {
    this.#channel.close();
  }

  #remembered(storage) {
    try {
      const ids = JSON.parse(storage().getItem(this.#key) ?? "[]");
      return Array.isArray(ids) ? ids.filter((id) => typeof id === "string" && isClientId(id)) : [];
    } catch {
      return [];
    }
  }

  #write(storage, ids) {
    try {
      storage().setItem(this.#key, JSON.stringify(ids));
    } catch {
      // Storage may be full, or forbidden altogether: then this client has a new clientId after a reload.
    }
  }
}

const METASTATES = {
  active: ["readyToConnect", "connecting", "readyToPair", "searching", "interacting"],
  connected: ["readyToPair", "searching", "interacting"],
  paired: PAIRED,
};

/** One end of a channel between a controller and a responder: what an enclosing client uses. */
export class CrSocket extends EventTarget {
  #role;
  #server;
  #machine;
  #clock = new Clock();
  #streams = new Map();
  #lastEventId = "";
  #timers = new Map();
  #lastTicket = 0;
  #sent = new Map();
  #notices = [];
  #isTelling = false;
  #ids = null;
  /** The next clientId is to be a new one, not one that is kept. */
  #wantsNewId = false;
  #isAsking = false;
  /** The page is going away: nothing comes back any more, requests leave as beacons. */
  #isLeaving = false;
  #page = new AbortController();
  #removed = null;
  #whenClosed = null;

  constructor({
    role,
    accessToken = null,
    partnerClientId = null,
    server = "../",
    clientId = null,
    keepClientId = clientId === null,
    followPage = true,
    timing = {},
  }) {
    super();
    if (!["controller", "responder"].includes(role)) {
      throw new TypeError(`role is ${JSON.stringify(role)}, where "controller" or "responder" is accepted`);
    }
    for (const name of Object.keys(timing)) {
      if (!(name in DEFAULTS)) {
        throw new TypeError(`there is no timing ${name}; there are ${Object.keys(DEFAULTS).join(", ")}`);
      }
    }
    this.#role = role;
    this.#server = new URL(server, document.baseURI);
    this.#server.pathname = this.#server.pathname.replace(/\/?$/, "/");
    this.#machine = new Machine(role, timing);
    if (keepClientId) this.#ids = new KeptIds(`crsocket ${role} ${this.#server.href}`);
    if (clientId !== null) this.clientId = clientId;
    this.accessToken = accessToken;
    this.partnerClientId = partnerClientId;
    if (followPage) this.#followPage();
    else Object.assign(this, { visible: true, online: true });
  }

  get role() {
    return this.#role;
  }

  get state() {
    return this.#machine.state[0];
  }

  get subState() {
    return this.#machine.state[1];
  }

  get metastates() {
    return new Set(Object.keys(METASTATES).filter((name) => METASTATES[name].includes(this.state)));
  }

  get clientId() {
    return this.#machine.socket.client.clientId || null;
  }

  set clientId(clientId) {
    const before = this.clientId;
    this.#wantsNewId = clientId === null;
    this.#tell({ clientId: assigned(clientId, isClientId) });
    if (this.clientId === before) return;
    if (this.clientId) this.#ids?.keep(this.clientId);
    this.#dispatch("clientidchange", { clientId: this.clientId });
  }

  get accessToken() {
    return this.#machine.socket.client.accessToken || null;
  }

  set accessToken(accessToken) {
    this.#tell({ accessToken: assigned(accessToken, isAccessToken) });
  }

  get partnerClientId() {
    return this.#machine.socket.partnerId;
  }

  set partnerClientId(partnerClientId) {
    this.#tell({ partnerClientId: assigned(partnerClientId, isClientId) });
  }

  get paused() {
    return this.#machine.socket.client.isPaused;
  }

  set paused(paused) {
    this.#tell({ paused: !!paused });
  }

  get visible() {
    return this.#machine.socket.client.visible;
  }

  set visible(visible) {
    this.#tell({ visible: !!visible });
  }

  get online() {
    return this.#machine.socket.client.online;
  }

  set online(online) {
    this.#tell({ online: !!online });
  }

  send(eventType, { subType = "", params = [], buffered = false, logged = false, interceptable = true } = {}) {
    if (!Array.isArray(params)) return Promise.reject(new TypeError("params is no array"));
    const more = { eventParams: params.map(String), buffered, logged, interceptable };
    const event = crEvent(String(eventType), String(subType), more);
    const ticket = (this.#lastTicket += 1);
    const sent = new Promise((resolve, reject) => this.#sent.set(ticket, { event, resolve, reject }));
    // Who does not wait for it learns of it by the event `fate`, and by no error in the console.
    sent.catch(() => {});
    if (this.#removed) this.#settle({ ticket, fate: "refused", why: "removed" });
    else this.#tell({ send: { ticket, event } });
    return sent;
  }

  until(wanted, { signal } = {}) {
    if (!METASTATES.active.includes(wanted) && !(wanted in METASTATES) && wanted !== "passive") {
      return Promise.reject(new TypeError(`there is no state or metastate ${wanted}`));
    }
    const holds = () => this.state === wanted || this.metastates.has(wanted);
    return new Promise((resolve, reject) => {
      const done = new AbortController();
      const ended = this.#page.signal;
      const look = () => {
        if (!holds()) return;
        done.abort();
        resolve({ state: this.state, subState: this.subState });
      };
      const giveUp = () => {
        done.abort();
        reject(signal?.aborted ? signal.reason : ended.reason);
      };
      this.addEventListener("statechange", look, { signal: done.signal });
      for (const end of [signal, ended]) end?.addEventListener("abort", giveUp, { signal: done.signal });
      if (holds()) look();
      else if (signal?.aborted || ended.aborted) giveUp();
    });
  }

  remove() {
    this.#removed ??= new Promise((resolve) => {
      this.#whenClosed = () => {
        this.#end();
        resolve();
      };
      this.#tell({ unloading: true });
    });
    return this.#removed;
  }

  #end() {
    this.#whenClosed = null;
    this.#page.abort(new DOMException("the CrSocket was removed", "AbortError"));
    this.#ids?.close();
    for (const { timeout } of this.#timers.values()) clearTimeout(timeout);
    for (const stream of this.#streams.values()) stream.abort();
    for (const [ticket, { hasLeft }] of [...this.#sent]) {
      this.#settle({ ticket, fate: hasLeft ? "unconfirmed" : "dropped", why: "removed" });
    }
  }

  #followPage() {
    const { signal } = this.#page;
    const look = () => (this.visible = document.visibilityState === "visible");
    const connect = () => (this.online = navigator.onLine);
    const leave = (leaving) => {
      this.#isLeaving = leaving;
      if (!this.#removed) this.#tell({ unloading: leaving });
    };
    document.addEventListener("visibilitychange", look, { signal });
    addEventListener("online", connect, { signal });
    addEventListener("offline", connect, { signal });
    addEventListener("pagehide", () => leave(true), { signal });
    addEventListener("pageshow", ({ persisted }) => persisted && leave(false), { signal });
    look();
    connect();
  }

  #tell(input) {
    if (this.#removed && !this.#whenClosed) return;
    const step = {
      now: this.#clock.now(),
      random: Math.floor(Math.random() * 2 ** 32),
      calendar: Date.now(),
    };
    for (const effect of this.#machine.handle(input, step)) {
      const [[name, value]] = Object.entries(effect);
      this.#perform(name, value);
    }
    this.#notify();
    const { receiverState, line } = this.#machine;
    if (receiverState[0] === "closed" && line.isSettled) this.#whenClosed?.();
  }

  #perform(name, value) {
    if (name === "open") this.#open(value);
    else if (name === "drop") this.#streams.get(value)?.abort();
    else if (name === "send") this.#post(value);
    else if (name === "requestClientId") this.#askForClientId();
    else if (name === "setTimer") this.#setTimer(value);
    else if (name === "cancelTimer") this.#clearTimer(value);
    else this.#notices.push([name, value]);
  }

  /** Listeners are called when all that was asked for is done, in order, also where one of them causes more. */
  #notify() {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#notices.shift(); next; next = this.#notices.shift()) {
      const [name, value] = next;
      if (name === "state") {
        const [from, to] = [value.from, value.to].map(([state, subState]) => ({ state, subState }));
        this.#dispatch("statechange", { from, to });
      } else if (name === "clientId") {
        this.#ids?.keep(value);
        this.#dispatch("clientidchange", { clientId: value });
      } else if (name === "partnerClientId") {
        this.#dispatch("partnerchange", { partnerClientId: value });
      } else if (name === "crEvent") {
        this.#dispatch("crevent", value);
      } else {
        this.#settle(value);
      }
    }
    this.#isTelling = false;
  }

  #settle({ ticket, fate, why }) {
    const sent = this.#sent.get(ticket);
    if (!sent) return;
    const { event, resolve, reject } = sent;
    if (fate === "sent") sent.hasLeft = true;
    const word = why?.status ?? why;
    if (!["queued", "buffered", "sent"].includes(fate)) {
      this.#sent.delete(ticket);
      if (fate === "understood") resolve(event);
      else reject(new CrEventError(event, fate, word ?? "noAnswer"));
    }
    this.#dispatch("fate", { crEvent: event, fate, why: word });
  }

  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #setTimer({ timer, after }) {
    this.#clearTimer(timer);
    const due = this.#clock.now() + after;
    const wait = (length) => {
      // Browsers fire a little too early, and take no longer wait than 24 days.
      const timeout = setTimeout(fire, Math.min(length, 2 ** 31 - 1));
      this.#timers.set(timer, { timeout });
    };
    const fire = () => {
      const left = due - this.#clock.now();
      if (left > 0) return wait(left);
      this.#timers.delete(timer);
      this.#tell({ timer });
    };
    wait(after);
  }

  #clearTimer(timer) {
    clearTimeout(this.#timers.get(timer)?.timeout);
    this.#timers.delete(timer);
  }

  /** Queries are encoded in full: for the server a `+` is a plus. */
  #address(resource, params = {}) {
    const query = Object.entries({ ...params, clientRole: this.#role });
    const address = new URL(resource, this.#server);
    address.search = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
    return address;
  }

  async #open({ stream, clientId, accessToken, resume }) {
    const connection = new AbortController();
    const { signal } = connection;
    this.#streams.set(stream, connection);
    const lastEventId = resume && this.#lastEventId ? { "Last-Event-ID": this.#lastEventId } : {};
    let how = "noConnection";
    try {
      const address = this.#address("eventsource/", { clientId, accessToken });
      const headers = { Accept: "text/event-stream", ...lastEventId };
      const answer = await fetch(address, { headers, signal, cache: "no-store" });
      const isStream = answer.headers.get("Content-Type")?.startsWith("text/event-stream");
      how = answer.status !== 200 ? answer.status : isStream ? "broken" : "notEventStream";
      if (how === "broken") {
        await readFrames(answer.body, (input, id) => {
          if (id !== undefined) this.#lastEventId = id;
          const [[name, value]] = Object.entries(input);
          if (!signal.aborted) this.#tell({ [name]: { stream, ...value } });
        });
      } else {
        answer.body?.cancel();
      }
    } catch {
      // The connection was not made, broke, or was dropped here.
    }
    this.#streams.delete(stream);
    if (!signal.aborted) this.#tell({ ended: { stream, how } });
  }

  async #post({ number, ...params }) {
    const address = this.#address("sendevent/", params);
    if (this.#isLeaving) {
      navigator.sendBeacon(address);
      return;
    }
    // Where the browser knows of no network, it need not be asked.
    const outcome = this.online ? await outcomeOf(address) : await "noConnection";
    this.#tell({ answer: { number, outcome } });
  }

  async #askForClientId() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    let id = null;
    try {
      if (!this.#wantsNewId) id = (await this.#ids?.claim()) ?? null;
      if (this.#wantsNewId || !id) id = await newClientId(this.#address("clientid/"));
    } catch {
      // It is asked for again.
    }
    this.#isAsking = false;
    this.#tell({ clientIdAnswer: id });
  }
}

async function newClientId(address) {
  const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(10_000) });
  return /<clientId value='([0-9]{6})'/.exec(await answer.text())?.[1] ?? null;
}

/** A request that fails may have arrived: it is never sent again, since each crEvent is delivered at most once. */
async function outcomeOf(address) {
  try {
    const answer = await fetch(address, { method: "POST", keepalive: true, cache: "no-store" });
    if (answer.ok) return "understood";
    const problem = await answer.json().catch(() => ({}));
    return { status: answer.status, detail: String(problem?.detail ?? "") };
  } catch {
    return "noAnswer";
  }
}
