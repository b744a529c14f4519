// States and subStates in plain words. Pure.
//
// `describe` gives a tone (`good`, `wait`, `stop`), a title, a sentence, and the ways out that the page offers: `resume`,
// `connectAgain`, `useHere`, `newClientId`, `pairAgain`, `otherPartner`.

const say = (tone, title, detail = "", remedies = []) => ({ tone, title, detail, remedies });

/**
 * @param facts role, state, subState, clientId, partnerClientId; met: this partner was here before; slow: the state has
 * lasted for some seconds.
 */
export function describe(facts) {
  switch (facts.state) {
    case "passive":
      return passive(facts);
    case "readyToConnect":
      return readyToConnect(facts);
    case "connecting":
      return facts.slow
        ? say("wait", "The server does not answer", "This page keeps trying by itself.")
        : say("wait", "Connecting to the server");
    case "readyToPair":
      return facts.partnerClientId === null ? unpaired(facts) : rejected(facts);
    case "searching":
      return searching(facts);
    case "interacting":
      return facts.role === "controller"
        ? say("good", `Paired: ${facts.partnerClientId} is here`, "You can start the task.")
        : say("good", "Ready!", `Paired with ${facts.partnerClientId}`);
    default:
      return say("wait", "Getting ready");
  }
}

function passive({ role, subState, slow }) {
  switch (subState) {
    case "noClientId":
      return slow
        ? say("wait", "The server gives no number", "It cannot be reached, or has none left. This page keeps asking.")
        : say("wait", "Asking the server for a number");
    case "invalidClientId":
      return say("stop", "This number cannot be used", "A clientId has six digits.", ["newClientId"]);
    case "notVisible":
      return say("wait", "This page is in the background", "It goes on as soon as it is in front again.");
    case "notOnline":
      return say("stop", "No network", "This device is offline. It goes on by itself when the network is back.");
    case "paused":
      return say("wait", role === "controller" ? "Paused" : "Pause", "Your partner sees you as away.", ["resume"]);
    case "unloading":
      return say("wait", "Leaving this page");
    default:
      return say("wait", "Not active", other(subState));
  }
}

function readyToConnect({ subState, clientId, slow }) {
  const again = ["connectAgain"];
  switch (subState) {
    case "noAccessToken":
      return say("stop", "Nobody is signed in", "This page has no accessToken.");
    case "invalidAccessToken":
      return say("stop", "This accessToken is not valid", "The server does not know such tokens for this app.", again);
    case "notAuthorized":
      return say("stop", "Not allowed", "The server does not let this accessToken take part in this app.", again);
    case "invalidRole":
      return say("stop", "The server does not know this role", "Pages are a controller or a responder.", again);
    case "invalidClientId":
      return say("stop", "The server does not take this number", "A clientId has six digits.", ["newClientId"]);
    case "releasedByOther":
      return say("stop", "This number moved to another page", `${clientId} is now used by another tab or device.`, [
        "useHere",
        "newClientId",
      ]);
    case "clientIdInUse":
      return say(
        "stop",
        "Somebody else has this number",
        `${clientId} belongs to another user now. This page tries again within a minute, or takes a new number.`,
        ["connectAgain", "newClientId"],
      );
    case "clientNotAlive":
      return say("wait", "The server heard nothing from here", "This page comes back by itself.", again);
    case "error":
      return say(
        "stop",
        "The server answered something else",
        "Perhaps this network wants you to sign in first. This page tries again within a minute.",
        again,
      );
    case "":
    case "noClientId":
    case "clientNotActive":
      return slow ? say("wait", "Not connected", "", again) : say("wait", "Connecting to the server");
    default:
      return say("stop", "The server closed the connection", other(subState), again);
  }
}

function unpaired({ role, subState }) {
  if (role === "responder") {
    return say("wait", "Waiting for a tester", "Type this number on the tester’s device");
  }
  if (subState === "invalidPartnerClientId") {
    return say("stop", "This is not the number of a partner", "A clientId has six digits.", ["otherPartner"]);
  }
  return say("wait", "Connected. Who is your partner?", "Type the number that the responder shows, or pair by QR code.");
}

function rejected({ role, subState, partnerClientId }) {
  const them = partnerClientId;
  const ways = ["pairAgain", "otherPartner"];
  switch (subState) {
    case "assignedToOther":
      return say("stop", `${them} has another partner`, "Try again when the two have parted.", ways);
    case "notPaired":
      return say("stop", `${them} has let you go`, "It has no partner, or wants another one.", ways);
    case "invalidPartnerRole":
      return role === "controller"
        ? say("stop", `${them} is not a responder`, "It is the number of another controller. Look at the other device.", ways)
        : say("stop", `${them} is not a controller`, "It is the number of another responder.", ways);
    case "appIdMismatch":
      return say("stop", `${them} belongs to another app`, "Open the responder of this demo on the other device.", ways);
    case "accessTokenMismatch":
      return say("stop", `${them} belongs to another user`, "Here only pages of the same user pair.", ways);
    case "blocked":
      return say("stop", `The server keeps you from ${them}`, "A rule of this server does not let you pair.", ways);
    case "invalidPartnerClientId":
      return say("stop", "This is not the number of a partner", "A clientId has six digits.", ["otherPartner"]);
    default:
      return say("stop", `${them} does not want to pair`, other(subState), ways);
  }
}

function searching({ role, partnerClientId, met, slow }) {
  const them = partnerClientId;
  if (met) {
    return role === "controller"
      ? say("wait", `${them} is away`, "Closed, hidden, paused or offline. You are paired again as soon as it is back.", [])
      : say("wait", "Your tester is away", `Waiting for ${them}`, ["otherPartner"]);
  }
  if (role === "responder") {
    return say("wait", "Looking for your tester", `${them} has not answered yet`, ["otherPartner"]);
  }
  return say(
    "wait",
    "Looking for your partner",
    slow
      ? `${them} has not answered yet. Is the number right, and is its page in front on the other device?`
      : `${them} has not answered yet.`,
  );
}

function other(subState) {
  return /^[0-9A-Za-z]{1,40}$/.test(subState) ? `The reason given: ${subState}.` : "No reason was given.";
}

/** What to write on the button of a way out. */
export const REMEDIES = {
  resume: "Go on",
  connectAgain: "Try again",
  useHere: "Use it here",
  newClientId: "Take a new number",
  pairAgain: "Try again",
  otherPartner: "Another partner",
};

/** Why a crEvent did not get there. */
export function describeFailure(error) {
  switch (error?.fate) {
    case "refused":
      return "It was not sent: the server or this page refused it.";
    case "dropped":
      return "It was not sent: this page was offline or without a partner.";
    case "lost":
      return "It did not reach the server.";
    case "unconfirmed":
      return "Nobody knows whether it got there.";
    default:
      return "Something went wrong.";
  }
}
