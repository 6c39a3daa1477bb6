// The drawing of the network moves: a dot on every curve, wires that show which way an edge pushes, values at the nodes.

import { draw, set } from "./dom";
import type { Evaluator, Trace } from "./evaluate";
import { shown } from "./numbers";
import type { EdgeMark, LiveData } from "./program";

const RADIUS = 4;
const WIDEST = 5;
/** What is less than this share of a value is its rounding. */
const ROUNDING = 1e-12;

interface Drawn {
  mark: EdgeMark;
  wire: SVGElement;
  dot: SVGCircleElement;
  box: [number, number, number, number];
}

export interface Push {
  mark: EdgeMark;
  /** How far the edge moves its sum from where it is on average, in the units it is drawn in. */
  value: number;
}

export class Diagram {
  readonly #edges: Drawn[] = [];
  readonly #nodes: { layer: number; node: number; text: SVGTextElement }[] = [];

  constructor(svg: SVGSVGElement, data: LiveData) {
    const marks = new Map(data.edges.map((mark) => [`${mark.layer}-${mark.source}-${mark.target}`, mark]));
    for (const link of Array.from(svg.querySelectorAll<SVGElement>("[data-edge]"))) {
      const mark = marks.get(link.dataset["edge"] ?? "");
      const wire = link.querySelector<SVGElement>(".wire");
      const box = (link.dataset["box"] ?? "").split(" ").map(Number);
      if (!mark || !wire || box.length !== 4) continue;
      const dot = draw(link, "circle", { class: "live-dot", r: RADIUS });
      this.#edges.push({ mark, wire, dot, box: box as Drawn["box"] });
    }
    for (const node of Array.from(svg.querySelectorAll<SVGElement>("[data-node]"))) {
      const [layer, at] = (node.dataset["node"] ?? "").split("-").map(Number) as [number, number];
      if (layer === 0) continue;
      const [x, y] = (node.dataset["at"] ?? "").split(" ").map(Number) as [number, number];
      const text = draw(node, "text", { class: "live-value", x, y: y - 14, "text-anchor": "middle" });
      this.#nodes.push({ layer, node: at, text });
    }
  }

  show(trace: Trace, pushes: Push[]): void {
    const largest: number[] = [];
    for (const { mark, value } of pushes)
      largest[mark.layer] = Math.max(largest[mark.layer] ?? 0, Math.abs(value));
    const value = new Map(pushes.map((push) => [push.mark, push]));
    for (const { mark, wire, dot, box } of this.#edges) {
      const push = value.get(mark);
      if (!push) continue;
      const share = Math.abs(push.value) / (largest[mark.layer] || 1);
      wire.classList.toggle("push-up", push.value > 0);
      wire.classList.toggle("push-down", push.value < 0);
      wire.style.strokeWidth = `${0.7 + (WIDEST - 0.7) * share}px`;
      this.#place(mark, dot, box, trace, push.value);
    }
    const last = trace.nodes.length - 1;
    for (const { layer, node, text } of this.#nodes)
      text.textContent = shown(layer === last ? trace.outputs[node]! : trace.nodes[layer]![node]!, 3);
  }

  #place(mark: EdgeMark, dot: SVGCircleElement, [left, top, width, height]: Drawn["box"], trace: Trace, push: number): void {
    const v = (mark.layer === 0 ? trace.inputs : trace.nodes[mark.layer]!)[mark.source]!;
    const across = mark.levels
      ? (Math.min(Math.max(Math.round(v), 0), mark.levels - 1) + 0.5) / mark.levels
      : (v - mark.low) / (mark.high - mark.low || 1);
    const span = mark.top - mark.bottom;
    // A constant is drawn in the middle of its box.
    const up = span === 0 && !mark.levels ? 0.5 : (push - mark.bottom) / (span || 1);
    const inside = across >= -1e-9 && across <= 1 + 1e-9 && up >= -1e-6 && up <= 1 + 1e-6;
    dot.classList.toggle("beyond", !inside);
    set(dot, { cx: left + width * clip(across), cy: top + height * (1 - clip(up)) });
  }
}

function clip(share: number): number {
  return Number.isFinite(share) ? Math.min(Math.max(share, 0), 1) : 0.5;
}

/** What every drawn edge does at the values of a trace. */
export function pushes(model: Evaluator, data: LiveData, trace: Trace): Push[] {
  return data.edges.map((mark) => {
    const value = model.edge(mark.layer, mark.source, mark.target, trace.nodes[mark.layer]![mark.source]!, false);
    const away = value - mark.mean;
    return { mark, value: Math.abs(away) <= ROUNDING * Math.abs(value) ? 0 : mark.height * away };
  });
}
