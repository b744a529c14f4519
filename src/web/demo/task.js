// The task of the demo: what its crEvents say, and what becomes of ten trials. Pure functions.

export const TRIALS = 10;
/** Without an answer for this long a trial counts as missed. */
export const ANSWER_MAX_MS = 10_000;
const WAIT_MIN_MS = 700;
const WAIT_MAX_MS = 2_000;
/** Longer waits are not believed. */
const WAIT_BELIEVED_MS = 10_000;
const OUTCOMES = ["open", "reaction", "early", "missed"];

/** How long the star lets itself be awaited. */
export function randomWaitMs(random = Math.random()) {
  return Math.round(WAIT_MIN_MS + random * (WAIT_MAX_MS - WAIT_MIN_MS));
}

function wholeNumber(text, min, max) {
  if (typeof text !== "string" || !/^[0-9]{1,6}(\.[0-9]{1,6})?$/.test(text)) {
    return null;
  }
  const number = Math.round(Number(text));
  return number >= min && number <= max ? number : null;
}

/** The params of a `stimulus`: `{ trial, waitMs }`, or null where they are none. */
export function readStimulus(params) {
  const trial = wholeNumber(params[0], 1, TRIALS);
  const waitMs = wholeNumber(params[1], 0, WAIT_BELIEVED_MS);
  return trial === null || waitMs === null ? null : { trial, waitMs };
}

/** The params of a `reaction`: `{ trial, reactionMs }`, with null for a touch that came too early; or null. */
export function readReaction(params) {
  const trial = wholeNumber(params[0], 1, TRIALS);
  if (trial === null) {
    return null;
  }
  if (params[1] === "early") {
    return { trial, reactionMs: null };
  }
  const reactionMs = wholeNumber(params[1], 0, ANSWER_MAX_MS);
  return reactionMs === null ? null : { trial, reactionMs };
}

/** Ten trials that nobody has begun. */
export function newRun() {
  return Array.from({ length: TRIALS }, (_, index) => openTrial(index + 1));
}

function openTrial(trial) {
  return { trial, waitMs: null, reactionMs: null, time: null, outcome: "open" };
}

/** The run with the result of one trial in it. */
export function withResult(run, result) {
  return run.map((one) => (one.trial === result.trial ? { ...openTrial(one.trial), ...result } : one));
}

/** The first trial that was not done yet, or null. */
export function nextTrial(run) {
  return run.find((one) => one.outcome === "open")?.trial ?? null;
}

export function reactionTimes(run) {
  return run.filter((one) => one.outcome === "reaction").map((one) => one.reactionMs);
}

export function median(numbers) {
  if (numbers.length === 0) {
    return null;
  }
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One line for each trial that was done; times are UTC. */
export function toCsv(run) {
  const lines = run
    .filter((one) => one.outcome !== "open")
    .map((one) => [one.trial, one.waitMs, one.reactionMs ?? "", one.time, one.outcome].join(","));
  return ["trial,waitMs,reactionMs,time,outcome", ...lines, ""].join("\r\n");
}

/** The run that was kept as text, or a new one where it is none. */
export function runFromText(text) {
  try {
    const run = JSON.parse(text);
    return Array.isArray(run) && run.length === TRIALS && run.every(isTrial) ? run : newRun();
  } catch {
    return newRun();
  }
}

function isTrial(one, index) {
  return (
    one?.trial === index + 1 &&
    OUTCOMES.includes(one.outcome) &&
    (one.outcome === "open" || (Number.isFinite(one.waitMs) && !Number.isNaN(Date.parse(one.time)))) &&
    (one.outcome !== "reaction" || Number.isFinite(one.reactionMs))
  );
}
