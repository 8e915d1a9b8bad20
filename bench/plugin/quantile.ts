/** The value that a share `q` of the values does not exceed (nearest rank). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  if (value === undefined) throw new Error("no values to take a quantile of");
  return value;
}

/** To three digits behind the point: microseconds where the value is in milliseconds. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
