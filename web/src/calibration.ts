// Rising maps behind a classifier, as Python puts them there.

import type { Calibration, Logistic, RisingPolyline } from "./program";

const LEAST = 1e-6;
const ABOVE = 0.5 + 2 ** -53;

/** Probabilities of the classes from the outputs of the network. */
export function calibrated({ method, curves, threshold }: Calibration, outputs: Float64Array): number[] {
  const first = curves[0]!;
  if (threshold !== null) {
    const score = outputs[0]!;
    const p = probability(first, score);
    const rest = first.kind === "logistic" ? expit(-(first.slope * score + first.offset)) : 1 - p;
    // On the side of one half on which the decision is, also where rounding would have it otherwise.
    return score > threshold ? [Math.min(rest, 0.5), Math.max(p, ABOVE)] : [-score > -threshold ? Math.max(rest, 0.5) : Math.min(rest, 0.5), Math.min(p, 0.5)];
  }
  if (method === "temperature" && first.kind === "logistic") return softmax(Array.from(outputs, (value) => value * first.slope));
  const plain = softmax(Array.from(outputs));
  const own = curves.map((curve, k) => {
    const share = clip(plain[k]!, 1e-12, 1 - 1e-12);
    return clip(probability(curve, Math.log(share / (1 - share))), LEAST, 1);
  });
  const total = own.reduce((sum, part) => sum + part, 0);
  return own.map((part) => part / total);
}

export function softmax(outputs: number[]): number[] {
  const most = Math.max(...outputs);
  const parts = outputs.map((value) => Math.exp(value - most));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / total);
}

function probability(curve: Logistic | RisingPolyline, score: number): number {
  if (curve.kind === "logistic") return expit(curve.slope * score + curve.offset);
  const { scores: x, probabilities: p } = curve;
  const last = x.length - 1;
  if (last === 0) return p[0]!;
  const at = clip(score, x[0]!, x[last]!);
  let piece = 0;
  while (piece < last - 1 && at >= x[piece + 1]!) piece++;
  const share = (at - x[piece]!) / (x[piece + 1]! - x[piece]!);
  return clip(p[piece]! + share * (p[piece + 1]! - p[piece]!), p[piece]!, p[piece + 1]!);
}

function expit(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function clip(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
