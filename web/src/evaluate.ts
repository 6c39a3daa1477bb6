// What the model answers, and every value on the way.

import { features } from "./basis";
import { encode } from "./encode";
import { calibrated, softmax } from "./calibration";
import type { Cell } from "./encode";
import type { EdgeBlock, ProgramLayer, Program } from "./program";
import { compile } from "./trees";
import type { Form } from "./trees";

export interface Trace {
  /** What the body reads, in its own units. */
  inputs: Float64Array;
  /** Node values of every layer in network units, the scaled inputs first. */
  nodes: Float64Array[];
  /** What arrives at the sums of every layer. */
  sums: Float64Array[];
  /** Outputs in the units of y (log-odds of classes). */
  outputs: Float64Array;
}

interface Place {
  block: EdgeBlock;
  s: number;
  t: number;
  /** The features of the source at the last row that was run. */
  now: Float64Array;
}

export class Evaluator {
  readonly #forms = new Map<string, Form>();
  readonly #trees: Form[] = [];
  readonly #places: Map<string, Place>[] = [];
  readonly #now = new Map<EdgeBlock, Float64Array[]>();

  constructor(readonly program: Program) {
    const body = program.body;
    if (body.kind === "network") {
      for (const [text, tree] of Object.entries(body.forms)) this.#forms.set(text, compile(tree, ["x"]));
      for (const layer of body.layers) {
        const places = new Map<string, Place>();
        for (const block of layer.blocks) {
          const now = block.sources.map(() => new Float64Array(layer.size + 3));
          this.#now.set(block, now);
          block.sources.forEach((source, s) =>
            block.targets.forEach((target, t) => places.set(`${source}-${target}`, { block, s, t, now: now[s]! })),
          );
        }
        this.#places.push(places);
      }
    } else {
      const names = program.inputs.map((each) => each.name);
      this.#trees = body.trees.map((tree) => compile(tree, names));
    }
  }

  /** Inputs of the body from the cells of a row: raw columns of an estimator, numbers of anything else. */
  inputs(cells: readonly Cell[]): Float64Array {
    const columns = this.program.columns;
    if (columns.length === 0) return Float64Array.from(cells as number[]);
    return Float64Array.from(columns.flatMap((column, k) => encode(column, cells[k] ?? null)));
  }

  run(cells: readonly Cell[]): Trace {
    const x = this.inputs(cells);
    const body = this.program.body;
    if (body.kind === "formulas")
      return { inputs: x, nodes: [x], sums: [], outputs: Float64Array.from(this.#trees, (tree) => tree(x)) };
    let h: Float64Array = x.map((value, k) => (value - body.input_shift[k]!) / body.input_scale[k]!);
    const nodes = [h];
    const sums: Float64Array[] = [];
    body.layers.forEach((layer) => {
      const z = this.#sums(layer, h);
      sums.push(z);
      h = multiplied(layer, z);
      nodes.push(h);
    });
    return { inputs: x, nodes, sums, outputs: h.map((value, k) => body.output_shift[k]! + body.output_scale[k]! * value) };
  }

  #sums(layer: ProgramLayer, h: Float64Array): Float64Array {
    const z = Float64Array.from(layer.bias);
    const width = this.#rbf();
    const count = layer.size + 2 + (layer.has_base ? 1 : 0);
    for (const block of layer.blocks) {
      const targets = block.targets;
      const now = this.#now.get(block)!;
      block.sources.forEach((source, s) => {
        const own = now[s]!;
        features(layer, width, block, s, h[source]!, own);
        const coef = block.coef[s]!;
        for (let f = 0; f < count; f++) {
          const feature = own[f]!;
          if (feature === 0) continue;
          const row = coef[f]!;
          for (let t = 0; t < targets.length; t++) z[targets[t]!]! += feature * row[t]!;
        }
      });
    }
    for (const edge of layer.forms) z[edge.target]! += this.#form(edge.form, edge.affine, h[edge.source]!);
    return z;
  }

  /** The function of one edge at a value of its source, in network units; one that is not fresh is that of the last row run. */
  edge(at: number, source: number, target: number, v: number, fresh = true): number {
    const body = this.program.body;
    if (body.kind !== "network") return NaN;
    const layer = body.layers[at]!;
    const form = layer.forms.find((each) => each.source === source && each.target === target);
    if (form) return this.#form(form.form, form.affine, v);
    const place = this.#places[at]!.get(`${source}-${target}`);
    if (!place) return 0;
    const own = fresh ? new Float64Array(place.now.length) : place.now;
    if (fresh) features(layer, this.#rbf(), place.block, place.s, v, own);
    const coef = place.block.coef[place.s]!;
    let sum = 0;
    for (let f = 0; f < coef.length; f++) sum += own[f]! * coef[f]![place.t]!;
    return sum;
  }

  #form(text: string, [a, b, c, d]: number[], v: number): number {
    return a! * this.#forms.get(text)!([b! * v + c!]) + d!;
  }

  #rbf(): number {
    return this.program.body.kind === "network" ? this.program.body.rbf_width : 0;
  }

  /** Probabilities of the classes; empty where the model predicts numbers. */
  probabilities(outputs: Float64Array): number[] {
    const count = this.program.classes?.length ?? 0;
    if (this.program.calibration) return calibrated(this.program.calibration, outputs);
    if (count < 2) return count ? [1] : [];
    if (count === 2) return [1 / (1 + Math.exp(outputs[0]!)), 1 / (1 + Math.exp(-outputs[0]!))];
    return softmax(Array.from(outputs));
  }
}

function multiplied(layer: ProgramLayer, z: Float64Array): Float64Array {
  if (layer.products.length === 0) return z;
  const h = new Float64Array(layer.sums + layer.products.length);
  h.set(z.subarray(0, layer.sums));
  let start = layer.sums;
  layer.products.forEach((arity, k) => {
    h[layer.sums + k] = z.subarray(start, start + arity).reduce((all, value) => all * value, 1);
    start += arity;
  });
  return h;
}
