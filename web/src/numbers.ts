// Numbers as people read and type them.

/** Four digits; powers of ten where it is far from one. */
export function shown(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) {
    const [mantissa, power] = value.toExponential(digits - 1).split("e") as [string, string];
    return signed(`${trimmed(mantissa)}e${Number(power)}`);
  }
  return signed(trimmed(Number(value.toPrecision(digits)).toString()));
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function signed(text: string): string {
  return text.replace(/-/g, "−");
}

export function percent(share: number): string {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "<0.1 %";
  if (value > 99.9 && value < 100) return ">99.9 %";
  return `${value.toFixed(1)} %`;
}

/** A number typed with a point or a comma; NaN for anything else. */
export function typed(text: string): number {
  const plain = text.trim().replace(/−/g, "-").replace(/[\s\u00a0\u202f']/g, "");
  if (plain === "") return NaN;
  return Number(/^[^.]*,[^,]*$/.test(plain) && !plain.includes(".") ? plain.replace(",", ".") : plain);
}

const DAY = 86_400_000;

export function dateOf(days: number): string {
  const moment = new Date(Math.round(days * DAY));
  return Number.isNaN(moment.getTime()) ? "" : moment.toISOString().slice(0, 10);
}

export function daysOf(text: string): number {
  return Date.parse(`${text}T00:00:00Z`) / DAY;
}
