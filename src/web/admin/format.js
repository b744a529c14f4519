// Figures, lengths and times in words. Pure.

const WHOLE = new Intl.NumberFormat("en");
const NONE = "–";

const isNone = (value) => value === null || value === undefined;

/** 12,345 */
export const count = (value) => (isNone(value) ? NONE : WHOLE.format(value));

/** A rate: one digit after the point below ten, none above; 12.3 k from 10,000 on. */
export function rate(value) {
  if (isNone(value)) {
    return NONE;
  }
  if (value >= 1_000_000) {
    return `${(value / 1_000_000).toFixed(1)} M`;
  }
  if (value >= 10_000) {
    return `${(value / 1_000).toFixed(1)} k`;
  }
  return value >= 10 || Number.isInteger(value) ? count(Math.round(value)) : value.toFixed(1);
}

/** Microseconds: 41 µs, 1.2 ms, 2.1 s. */
export function micros(value) {
  if (isNone(value)) {
    return NONE;
  }
  if (value < 1_000) {
    return `${Math.round(value)} µs`;
  }
  return value < 1_000_000 ? `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)} ms` : `${(value / 1_000_000).toFixed(1)} s`;
}

/** 38.2 MB */
export function bytes(value) {
  if (isNone(value)) {
    return NONE;
  }
  if (value < 1_000) {
    return `${value} B`;
  }
  const units = ["kB", "MB", "GB", "TB"];
  const power = Math.min(units.length, Math.floor(Math.log10(value) / 3));
  const figure = value / 1_000 ** power;
  return `${figure.toFixed(figure < 100 ? 1 : 0)} ${units[power - 1]}`;
}

/** A length in milliseconds, as two units at most: 12 s, 3 min 20 s, 2 h 5 min, 4 d 3 h. */
export function length(ms) {
  if (isNone(ms)) {
    return NONE;
  }
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  if (days > 0) {
    return `${days} d ${hours % 24} h`;
  }
  if (hours > 0) {
    return `${hours} h ${minutes % 60} min`;
  }
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** A short length in milliseconds: 4.2 s; longer ones as `length`. */
export const shortLength = (ms) => (isNone(ms) || ms >= 60_000 ? length(ms) : `${(Math.max(0, ms) / 1_000).toFixed(1)} s`);

/** The time of the day, of milliseconds since 1970: 14:03:12. */
export const timeOfDay = (at) => (isNone(at) ? NONE : new Date(at).toTimeString().slice(0, 8));

/** The same with milliseconds: 14:03:12.345. */
export const exactTime = (at) => (isNone(at) ? NONE : `${timeOfDay(at)}.${String(new Date(at).getMilliseconds()).padStart(3, "0")}`);

/** What is absent, as a dash. */
export const orNone = (value) => (isNone(value) || value === "" ? NONE : String(value));
