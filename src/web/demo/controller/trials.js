// The tester's side of the task: starts trials, waits for their answers, and keeps the results over a reload.

import { describeFailure } from "../words.js";
import { ANSWER_MAX_MS, newRun, nextTrial, randomWaitMs, readReaction, runFromText, withResult } from "../task.js";

const KEPT = "crsocket-demo-run";
/** Between two trials that follow each other by themselves: long enough to see how the last one was. */
const BREAK_MS = 1_200;

function keptText() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

export class Trials {
  /** The trial that runs: `{ trial, waitMs }`, or null. */
  running = null;
  /** Whether the next trial follows by itself. */
  auto = false;
  /** What happened last, in words. */
  said = "";
  /** The trial that did not give a time, if that was the last one. */
  repeatable = null;
  #socket;
  #changed;
  #missed;
  #follows;
  /** Whether what is said is that the partner is not there. */
  #saidAway = false;

  constructor(socket, changed) {
    this.#socket = socket;
    this.#changed = changed;
    this.run = runFromText(keptText());
    socket.addEventListener("crevent", ({ detail }) => {
      if (detail.eventType === "reaction") {
        this.#answered(readReaction(detail.eventParams));
      }
    });
    socket.addEventListener("statechange", () => this.#partnerChanged());
  }

  get ready() {
    return this.#socket.state === "interacting";
  }

  get next() {
    return nextTrial(this.run);
  }

  async start(trial) {
    if (this.running !== null || trial === null) {
      return;
    }
    clearTimeout(this.#follows);
    const running = { trial, waitMs: randomWaitMs() };
    this.running = running;
    this.repeatable = null;
    this.#say(`Trial ${trial}: get ready …`);
    try {
      await this.#socket.send("stimulus", { params: [trial, running.waitMs] });
    } catch (error) {
      if (error.fate !== "unconfirmed") {
        this.#notStarted(running, error);
        return;
      }
    }
    if (this.running === running) {
      this.#missed = setTimeout(() => this.#end("missed", null), ANSWER_MAX_MS);
      this.#say(`Trial ${trial}: waiting for the touch …`);
    }
  }

  runAll() {
    this.auto = true;
    this.start(this.next);
  }

  stop() {
    this.auto = false;
    clearTimeout(this.#follows);
    this.#say(this.running === null ? "Stopped." : "Stops after this trial.");
  }

  startOver() {
    clearTimeout(this.#missed);
    clearTimeout(this.#follows);
    this.run = newRun();
    this.running = null;
    this.repeatable = null;
    this.auto = false;
    this.#keep();
    this.#say("");
  }

  #answered(answer) {
    // Anything else is late, or no answer of this task.
    if (answer !== null && answer.trial === this.running?.trial) {
      this.#end(answer.reactionMs === null ? "early" : "reaction", answer.reactionMs);
    }
  }

  #end(outcome, reactionMs) {
    const { trial, waitMs } = this.running;
    clearTimeout(this.#missed);
    this.running = null;
    this.run = withResult(this.run, { trial, waitMs, reactionMs, time: new Date().toISOString(), outcome });
    this.repeatable = outcome === "reaction" ? null : trial;
    this.#keep();
    if (outcome === "missed") {
      this.auto = false;
    }
    const words = {
      reaction: `Trial ${trial}: ${reactionMs} ms`,
      early: `Trial ${trial}: touched before the star was there.`,
      missed: `Trial ${trial}: missed, no answer within ${ANSWER_MAX_MS / 1000} seconds.`,
    };
    this.#say(words[outcome]);
    this.#goOn();
  }

  #goOn() {
    if (this.next === null) {
      this.auto = false;
      // What became of it shows in the state of the pair.
      this.#socket.send("finished", { buffered: true }).catch(() => {});
      this.#changed();
    } else if (this.auto) {
      this.#follow();
    }
  }

  /** The next one, now or when the two are together again. */
  #follow() {
    clearTimeout(this.#follows);
    this.#follows = setTimeout(() => this.ready && this.start(this.next), BREAK_MS);
  }

  #notStarted(running, error) {
    if (this.running === running) {
      this.running = null;
      this.auto = false;
      this.#say(`Trial ${running.trial} did not start. ${describeFailure(error)}`);
    }
  }

  #partnerChanged() {
    const what = this.#socket.state === "searching" ? "Your partner went away" : "The connection was interrupted";
    if (this.ready && this.auto && this.running === null) {
      this.#follow();
    }
    if (!this.ready && this.running !== null) {
      this.#say(`${what} in trial ${this.running.trial}. Without an answer it counts as missed, and can be repeated.`, true);
    } else if (!this.ready && this.auto) {
      this.#say(`${what} between two trials. It goes on when you are together again.`, true);
    } else if (this.ready && this.#saidAway) {
      this.#say("You are together again.");
    } else {
      this.#changed();
    }
  }

  #keep() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(this.run));
    } catch {
      // Storage may be full or forbidden: then a reload begins anew.
    }
  }

  #say(words, isAway = false) {
    this.said = words;
    this.#saidAway = isAway;
    this.#changed();
  }
}
