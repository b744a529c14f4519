// What the server lends the demo: fresh clientIds, practice partners, QR codes, and addresses for other devices.

const BASE = new URL("./", import.meta.url);

/** The six digits in what somebody typed or pasted, or null. */
export function clientIdIn(text) {
  const named = /(?:clientId|partner)=([0-9]{6})(?![0-9])/.exec(text);
  const digits = named ? named[1] : text.replace(/[^0-9]/g, "");
  return /^[0-9]{6}$/.test(digits) ? digits : null;
}

/** A parameter of this page that is a clientId, or null. */
export function clientIdParam(name) {
  const value = new URLSearchParams(location.search).get(name);
  return value !== null && /^[0-9]{6}$/.test(value) ? value : null;
}

/** Writes the parameters of this page anew, without a new entry in the history. */
export function setParams(params) {
  const url = new URL(location.href);
  url.search = new URLSearchParams(params).toString();
  url.hash = "";
  history.replaceState(null, "", url);
}

async function ask(path, options) {
  const response = await fetch(new URL(path, BASE), { cache: "no-store", signal: AbortSignal.timeout(10_000), ...options });
  if (!response.ok) {
    throw Object.assign(new Error(`${path} answered ${response.status}`), { status: response.status });
  }
  return response;
}

/** A clientId that nobody has. */
export async function freshClientId() {
  const text = await (await ask("clientid/")).text();
  const found = /value='([0-9]{6})'/.exec(text);
  if (found === null) {
    throw new Error("The server gave no clientId.");
  }
  return found[1];
}

/** The clientId of a practice responder. The error has the status 503 where all are taken. */
export async function practiceResponder() {
  const { clientId } = await (await ask("partner/?clientRole=responder", { method: "POST" })).json();
  if (!/^[0-9]{6}$/.test(clientId)) {
    throw new Error("The server gave no practice partner.");
  }
  return clientId;
}

/** Lets a practice controller pair with this responder. */
export async function practiceController(responder) {
  await ask(`partner/?clientRole=controller&partnerClientId=${responder}`, { method: "POST" });
}

export function practiceFailure(error) {
  return error?.status === 503
    ? "All practice partners are taken just now. Try again in a minute."
    : "The server lends no practice partner just now.";
}

function isLoopback(host) {
  return host === "localhost" || host.endsWith(".localhost") || /^127\./.test(host) || host === "[::1]";
}

/** The addresses of the demo for other devices; none if only this machine can reach it. */
export async function addressesForOthers() {
  if (!isLoopback(location.hostname)) {
    return [BASE.href];
  }
  const { addresses } = await (await ask("addresses/")).json();
  return addresses.filter((address) => /^https?:\/\//.test(address)).map((address) => new URL("crsocket/demo/", address).href);
}

/** The address of a picture of this text. */
export function qrSource(text) {
  return new URL(`qr/?text=${encodeURIComponent(text)}`, BASE).href;
}
