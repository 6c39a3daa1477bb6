// Functions that all edges of one source share: the basis inside the grid, the straight tails beyond it, the base function.

import type { EdgeBlock, ProgramLayer } from "./program";

/** Writes the features of one value of a source, `layer.size + 2` or 3 of them. */
export function features(layer: ProgramLayer, rbfWidth: number, block: EdgeBlock, s: number, v: number, into: Float64Array): void {
  const [low, high] = block.domain[s] as [number, number];
  const grid = block.grid[s] as number[];
  const t = Math.min(Math.max(v, low), high);
  const size = layer.size;
  switch (layer.basis) {
    case "bspline":
      bspline(t, grid, layer.degree, into.fill(0));
      break;
    case "chebyshev":
      series(unit(t, grid), size, into);
      break;
    case "rational": {
      const u = unit(t, grid);
      series(u / Math.sqrt(1 + u * u), size, into);
      break;
    }
    case "fourier": {
      const a = unit(t, grid) * (Math.PI / 2);
      for (let m = 0; m < size; m++) into[m] = Math.sin(Math.floor((m + 1) / 2) * a + (m % 2 ? 0 : Math.PI / 2));
      break;
    }
    default: {
      into[0] = 1;
      into[1] = unit(t, grid);
      for (let c = 0; c < grid.length; c++) {
        const left = (c ? grid[c]! - grid[c - 1]! : grid[1]! - grid[0]!) as number;
        const right = c < grid.length - 1 ? grid[c + 1]! - grid[c]! : left;
        const u = (t - grid[c]!) / (rbfWidth * (left + right));
        into[c + 2] = Math.exp(-u * u);
      }
    }
  }
  into[size] = Math.min(v - low, 0);
  into[size + 1] = Math.max(v - high, 0);
  if (layer.has_base) into[size + 2] = v / (1 + Math.exp(-v));
}

/** Cox-de Boor recursion on the degree + 1 functions that live at t. */
function bspline(t: number, knots: number[], degree: number, into: Float64Array): void {
  const size = knots.length - degree - 1;
  let piece = 0;
  while (piece + degree + 1 < size && t >= knots[piece + degree + 1]!) piece++;
  let live = [t === t ? 1 : NaN];
  for (let d = 1; d <= degree; d++) {
    const next = new Array<number>(d + 1).fill(0);
    for (let j = 0; j < d; j++) {
      const end = piece + degree + 1 + j;
      const rising = live[j]! * ((t - knots[end - d]!) / (knots[end]! - knots[end - d]!));
      next[j]! += live[j]! - rising;
      next[j + 1]! += rising;
    }
    live = next;
  }
  live.forEach((value, j) => (into[piece + j] = value));
}

/** From -1 to 1 over the domain, measured from the nearer end. */
function unit(t: number, grid: number[]): number {
  const low = grid[0]!;
  const high = grid[grid.length - 1]!;
  const slope = 2 / (high - low);
  return t - low < high - t ? (t - low) * slope - 1 : 1 - (high - t) * slope;
}

function series(u: number, size: number, into: Float64Array): void {
  into[0] = 1;
  if (size > 1) into[1] = u;
  for (let m = 2; m < size; m++) into[m] = 2 * u * into[m - 1]! - into[m - 2]!;
}
