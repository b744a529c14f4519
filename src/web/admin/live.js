// The WebSocket: what is subscribed to, and how it comes back.

const AGAIN_MIN_MS = 500;
const AGAIN_MAX_MS = 10_000;
/** A server that says nothing for so long, with stats due each second, is gone. */
const SILENT_MAX_MS = 5_000;
/** However slow its answers are, something throttled waits no longer than this for its next turn. */
const THROTTLE_MAX_MS = 5_000;

/**
 * Events: `open`, `lost` (detail: when the next try is), `message` (detail: the message), and those of the server by
 * their type: `stats`, `transitions`, `events`, `sessions`, `lagged`, `error`.
 */
export class Live extends EventTarget {
  #socket = null;
  #wanted = { subscribe: ["stats"] };
  #tries = 0;
  #timer = null;
  #silence = null;
  #isStopped = true;
  /** Whether it is open and has been heard of. */
  isOpen = false;

  start() {
    this.#isStopped = false;
    this.tryNow();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  /** Without waiting for the next try. */
  tryNow() {
    if (!this.#isStopped && !this.isOpen) {
      clearTimeout(this.#timer);
      this.#drop();
      this.#open();
    }
  }

  /** Replaces what is subscribed to. */
  subscribe(wanted) {
    const before = JSON.stringify(this.#wanted);
    this.#wanted = wanted;
    if (this.isOpen && JSON.stringify(wanted) !== before) {
      this.#socket.send(JSON.stringify(wanted));
    }
  }

  #open() {
    const url = new URL("live", document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#listenForSilence();
    socket.onopen = () => socket === this.#socket && this.#opened();
    socket.onmessage = (message) => socket === this.#socket && this.#received(message.data);
    socket.onclose = () => socket === this.#socket && this.#lost();
  }

  #opened() {
    this.isOpen = true;
    this.#socket.send(JSON.stringify(this.#wanted));
    this.dispatchEvent(new Event("open"));
  }

  #received(text) {
    this.#listenForSilence();
    this.#tries = 0;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    this.dispatchEvent(new CustomEvent(String(message?.type), { detail: message }));
  }

  #listenForSilence() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), SILENT_MAX_MS);
  }

  #lost() {
    this.#drop();
    const backoff = Math.min(AGAIN_MAX_MS, AGAIN_MIN_MS * 2 ** this.#tries);
    const waitMs = backoff * (0.75 + Math.random() / 2);
    this.#tries += 1;
    clearTimeout(this.#timer);
    if (!this.#isStopped) {
      this.#timer = setTimeout(() => this.tryNow(), waitMs);
      this.dispatchEvent(new CustomEvent("lost", { detail: { nextTryAt: Date.now() + waitMs } }));
    }
  }

  #drop() {
    clearTimeout(this.#silence);
    this.isOpen = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/** How often something may be read again: no sooner than `minMs`, and only in this `share` of the time. */
export const BRISK = { minMs: 300, share: 0.3 };
/** Where a server is large: reading must not be a burden to it. */
export const SPARING = { minMs: 1_000, share: 0.015 };

/** Calls `act` soon after it is asked to, but never two at a time, and no more often than its pace allows. */
export class Throttle {
  #act;
  #pace;
  #timer = null;
  #isRunning = false;
  #isAskedAgain = false;
  #last = { began: -Infinity, tookMs: 0 };

  /** @param pace gives `BRISK`, `SPARING` or the like, anew each time. */
  constructor(act, pace) {
    this.#act = act;
    this.#pace = pace;
  }

  ask() {
    if (this.#isRunning) {
      this.#isAskedAgain = true;
    } else if (this.#timer === null) {
      this.#timer = setTimeout(() => this.now(), this.#waitMs());
    }
  }

  /** At once, unless it is under way already: then right afterwards. */
  async now() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#isRunning) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isRunning = true;
    const began = performance.now();
    try {
      await this.#act();
    } finally {
      this.#isRunning = false;
      this.#last = { began, tookMs: performance.now() - began };
      if (this.#isAskedAgain) {
        this.#isAskedAgain = false;
        this.ask();
      }
    }
  }

  #waitMs() {
    const { minMs, share } = this.#pace();
    const { began, tookMs } = this.#last;
    const apartMs = Math.max(minMs, Math.min(THROTTLE_MAX_MS, tookMs / share));
    return Math.max(0, began + apartMs - performance.now());
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#isAskedAgain = false;
  }
}
