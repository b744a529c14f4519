// States, subStates and fates in plain words. Pure.

/** The published states, in their order. */
export const STATES = ["passive", "readyToConnect", "connecting", "readyToPair", "searching", "interacting"];
export const METASTATES = ["active", "connected", "paired"];

/** What each state means, as a tone of colour: `off`, `stop`, `wait`, `good`. */
export const TONES = {
  passive: "off",
  readyToConnect: "stop",
  connecting: "wait",
  readyToPair: "stop",
  searching: "wait",
  interacting: "good",
};

export const SUB_STATES = [
  "noClientId",
  "invalidClientId",
  "notVisible",
  "notOnline",
  "paused",
  "unloading",
  "clientNotActive",
  "noAccessToken",
  "invalidAccessToken",
  "notAuthorized",
  "releasedByOther",
  "clientIdInUse",
  "clientNotAlive",
  "error",
  "noPartnerClientId",
  "invalidPartnerClientId",
  "invalidPartnerRole",
  "assignedToOther",
  "notPaired",
  "partnerInactive",
];

const SUB_STATES_IN_WORDS = {
  noClientId: "has no clientId",
  invalidClientId: "its clientId is not valid",
  notVisible: "not visible",
  notOnline: "offline",
  paused: "paused",
  unloading: "going away",
  clientNotActive: "its client is not active",
  noAccessToken: "has no accessToken",
  invalidAccessToken: "its accessToken is not valid",
  notAuthorized: "its accessToken may not take part",
  releasedByOther: "its clientId was opened elsewhere",
  clientIdInUse: "its clientId is another user’s",
  clientNotAlive: "the server heard nothing from it",
  error: "the answer was no event stream",
  noPartnerClientId: "has no partner",
  invalidPartnerClientId: "its partner’s clientId is not valid",
};

const REJECTIONS = {
  invalidPartnerRole: (partner) => `${partner} has the same role`,
  assignedToOther: (partner) => `${partner} has another partner`,
  notPaired: (partner) => `${partner} let it go`,
};

/** What a crSocket in a list is waiting for, in a few words; empty while it interacts. */
export function waitsFor({ role, state, subState, partnerClientId }) {
  const partner = partnerClientId ?? "its partner";
  switch (state) {
    case "searching":
      return `waits to hear from ${partner}`;
    case "connecting":
      return "waits for the server";
    case "interacting":
      return "";
    default:
      if (role === "responder" && subState === "noPartnerClientId") {
        return "waits for a controller";
      }
      return subState === null || subState === "" ? "" : (REJECTIONS[subState]?.(partner) ?? SUB_STATES_IN_WORDS[subState] ?? subState);
  }
}

const FATES = {
  sent: ["good", "Sent."],
  queued: ["wait", "Queued: it leaves in its turn."],
  buffered: ["wait", "Buffered: it leaves when the two are paired again."],
  refused: ["stop", "Refused: it does not leave."],
  dropped: ["stop", "Dropped: it does not leave."],
};

/** What became of a crEvent: a tone and a sentence. */
export const fate = (word) => FATES[word] ?? ["wait", `${word}.`];

/** A state with its subState, as the protocol names them. */
export const named = (standing) => (standing?.subState ? `${standing.state} · ${standing.subState}` : (standing?.state ?? "–"));
