// Any curve as a table or a drawing, to take away.

import { make } from "./dom";
import type { Evaluator } from "./evaluate";
import type { EdgeMark } from "./program";

const POINTS = 201;

/** The function of an edge at even steps over its range, in the units in which it is drawn. */
export function curveTable(model: Evaluator, mark: EdgeMark): string {
  const body = model.program.body;
  if (body.kind !== "network") return "";
  const count = mark.levels || POINTS;
  const lines = [`${cell(mark.name)},${cell("function")}`];
  for (let k = 0; k < count; k++) {
    const x = mark.low + ((mark.high - mark.low) * k) / Math.max(count - 1, 1);
    const v = mark.layer ? x : (x - body.input_shift[mark.source]!) / body.input_scale[mark.source]!;
    lines.push(`${x},${mark.height * (model.edge(mark.layer, mark.source, mark.target, v) - mark.mean)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The function of an edge as Python: a spline as its polynomials, exactly; anything else as a table of its values. */
export function curveCode(model: Evaluator, mark: EdgeMark): string {
  const body = model.program.body;
  if (body.kind !== "network") return "";
  const { layer, source, target } = mark;
  const [shift, scale] = layer ? [0, 1] : [body.input_shift[source]!, body.input_scale[source]!];
  const at = (x: number) => mark.height * (model.edge(layer, source, target, (x - shift) / scale) - mark.mean);
  const own = body.layers[layer]!;
  const block = own.blocks.find(({ sources, targets }) => sources.includes(source) && targets.includes(target));
  const head = `import numpy as np\n\n# ${JSON.stringify(mark.name)} to the sum that it feeds, about its mean.\n`;
  const call = `def edge_${layer}_${source}_${target}(x):\n`;
  if (own.basis !== "bspline" || own.degree > 3 || own.has_base || mark.levels || !block) {
    const rows = curveTable(model, mark).trim().split("\n").slice(1).map((line) => line.split(","));
    const list = (k: number) => `[${rows.map((row) => row[k]).join(", ")}]`;
    return `${head}# A table of its values, with straight lines between them.\n${call}    return np.interp(x, ${list(0)}, ${list(1)})\n`;
  }
  const knots = block.grid[block.sources.indexOf(source)]!;
  const breaks = knots.slice(own.degree, knots.length - own.degree).map((v) => v * scale + shift);
  const pieces = breaks.slice(1).map((end, k) => {
    const [a, width] = [breaks[k]!, end - breaks[k]!];
    const [f0, f1, f2, f3] = [0, 1, 2, 3].map((j) => at(a + (width * j) / 3)) as [number, number, number, number];
    return [f0, -5.5 * f0 + 9 * f1 - 4.5 * f2 + f3, 9 * f0 - 22.5 * f1 + 18 * f2 - 4.5 * f3, -4.5 * f0 + 13.5 * f1 - 13.5 * f2 + 4.5 * f3];
  });
  const [low, high] = [breaks[0]!, breaks[breaks.length - 1]!];
  const far = high - low;
  const slopes = [(at(low) - at(low - far)) / far, (at(high + far) - at(high)) / far];
  return `${head}BREAKS = np.array([${breaks.join(", ")}])
PIECES = np.array([
${pieces.map((piece) => `    [${piece.join(", ")}],`).join("\n")}
])


${call}    x = np.asarray(x, dtype=float)
    inside = np.clip(x, BREAKS[0], BREAKS[-1])
    k = np.clip(np.searchsorted(BREAKS, inside, side="right") - 1, 0, len(PIECES) - 1)
    t = (inside - BREAKS[k]) / (BREAKS[k + 1] - BREAKS[k])
    a, b, c, d = PIECES[k].T
    tails = ${slopes[0]} * np.minimum(x - BREAKS[0], 0) + ${slopes[1]} * np.maximum(x - BREAKS[-1], 0)
    return a + t * (b + t * (c + t * d)) + tails
`;
}

/** A cell that a spreadsheet reads as text and never as a formula. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replace(/"/g, '""')}"`;
}

/** What is copied: the edge that is shown large, its drawing, and the model it belongs to. */
export interface Copied {
  mark(): EdgeMark | undefined;
  svg(): Element | null;
  model(): Evaluator;
}

/** Buttons under the large view of an edge: its curve as a table, as a drawing and as code. */
export function copies({ mark, svg, model }: Copied, inside: Node): { element: HTMLElement; clear(): void } {
  const status = make("span", { role: "status" });
  const button = (name: string, text: () => string) => {
    const element = make("button", { type: "button" }, name);
    element.addEventListener("click", () => {
      void copied(text(), inside).then((done) => (status.textContent = done ? "Copied." : "This browser does not let a page copy."));
    });
    return element;
  };
  const of = (write: (model: Evaluator, mark: EdgeMark) => string) => () => {
    const edge = mark();
    return edge ? write(model(), edge) : "";
  };
  const element = make(
    "div",
    { class: "large-bar copies" },
    button("Copy as CSV", of(curveTable)),
    button("Copy as SVG", () => drawing(svg())),
    button("Copy as Python", of(curveCode)),
    status,
  );
  return { element, clear: () => (status.textContent = "") };
}

/** The drawing with the colours that it has on the page, for it leaves the style sheet behind. */
function drawing(svg: Element | null): string {
  if (!svg) return "";
  const copy = svg.cloneNode(true) as Element;
  const from = [svg, ...Array.from(svg.querySelectorAll("*"))];
  [copy, ...Array.from(copy.querySelectorAll("*"))].forEach((part, k) => {
    const style = getComputedStyle(from[k]!);
    for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family"])
      part.setAttribute(name, style.getPropertyValue(name));
    part.removeAttribute("class");
    part.removeAttribute("style");
  });
  copy.setAttribute("xmlns", svg.namespaceURI ?? "");
  return new XMLSerializer().serializeToString(copy);
}

export async function copied(text: string, inside: Node): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page in a sandbox may only copy what is selected.
    const area = make("textarea", { class: "sr", "aria-hidden": "true" });
    area.value = text;
    inside.appendChild(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
