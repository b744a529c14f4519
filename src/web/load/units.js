// Figures with their units. Pure.
"use strict";

const NONE = "–";
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const isNone = (value) => value === null || value === undefined || Number.isNaN(value);

/** Three digits that count: 1.23, 12.3, 1,234. */
function digits(value) {
  if (Math.abs(value) >= 99.95) {
    return WHOLE.format(value);
  }
  return value.toFixed(Math.abs(value) < 9.995 ? 2 : 1);
}

const inUnits = {
  /** 12,345 */
  count: (value) => (isNone(value) ? NONE : WHOLE.format(value)),

  /** Events a second. */
  rate: (value) => (isNone(value) ? NONE : `${value === 0 ? "0" : digits(value)}/s`),

  /** Milliseconds: 42.0 µs, 1.23 ms, 1.23 s. */
  ms(value) {
    if (isNone(value)) {
      return NONE;
    }
    if (value === 0) {
      return "0 ms";
    }
    if (value < 0.9995) {
      return `${digits(value * 1_000)} µs`;
    }
    return value < 999.5 ? `${digits(value)} ms` : `${digits(value / 1_000)} s`;
  },

  /** 123 MB */
  bytes(value) {
    if (isNone(value)) {
      return NONE;
    }
    const power = value < 1_000 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3));
    return power === 0 ? `${value} B` : `${digits(value / 1_000 ** power)} ${["B", "kB", "MB", "GB", "TB"][power]}`;
  },

  /** 0.83 */
  cores: (value) => (isNone(value) ? NONE : value.toFixed(value < 0.095 ? 3 : 2)),

  /** Seconds since the start: 12.5 s. */
  seconds: (value) => (isNone(value) ? NONE : `${Math.round(value * 10) / 10} s`),

  /** 99.9 %, of how many are above it, as a power of ten. */
  percentile(nines) {
    if (isNone(nines)) {
      return NONE;
    }
    const places = Math.max(0, Math.ceil(nines - 1e-9) - 2);
    return `${(100 * (1 - 10 ** -nines)).toFixed(places)} %`;
  },
};

/** What stands at an axis: without digits that are zero. */
const atAxis = (text) => text.replace(/(\.\d*?)0+(?=\D|$)/, "$1").replace(/\.(?=\D|$)/, "");
