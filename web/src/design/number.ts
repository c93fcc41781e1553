// Written by hand, as times are: the first use of `Intl` takes 60 ms.
const SCALES = [
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "K"],
] as const;

/** 12,345 */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/** 999, 1.2K, 34M */
export function compact(count: number): string {
  // What would be written "1000K" is the next scale's.
  const scale = SCALES.find(([size]) => count >= size * 0.99995);
  if (!scale) return String(count);
  const [size, name] = scale;
  return `${Number((count / size).toFixed(1))}${name}`;
}

/** $1.20, $1,234.00; of what is less than ten cents two digits that matter: $0.0042 */
export function money(usd: number): string {
  if (usd > 0 && usd < 0.1) return `$${Number(usd.toPrecision(2))}`;
  const [dollars = "", cents = ""] = usd.toFixed(2).split(".");
  return `$${grouped(Number(dollars))}.${cents}`;
}
