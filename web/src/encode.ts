// Cells of raw columns as inputs of the network, as the estimator's own encoding makes them.

import type { Column, NumberInput } from "./program";

/** A number, a word, or null for a missing cell; dates are days since 1970 and truth values 0 or 1. */
export type Cell = number | string | null;

export function encode(column: Column, cell: Cell): number[] {
  if (column.kind === "unused") return [];
  if (column.kind === "level") {
    const word = cell === null ? "" : String(cell).trim();
    const at = column.levels.indexOf(word);
    return [word === "" ? column.missing : at < 0 ? column.unseen : at];
  }
  const x = cell === null || cell === "" ? NaN : Number(cell);
  const coded = column.codes.includes(x);
  const found = [scaled(column, coded ? NaN : x)];
  if (column.flagged) found.push(x === x ? 0 : 1);
  return [...found, ...column.codes.map((code) => (x === code ? 1 : 0))];
}

function scaled(column: NumberInput, x: number): number {
  let t = x;
  if (column.transform !== "identity") {
    t = clip(x / column.scale - column.centre / column.scale, -1e300, 1e300);
    if (column.transform === "asinh") t = Math.asinh(t);
  }
  return t === t ? clip(t, column.low, column.high) : column.fill;
}

function clip(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
