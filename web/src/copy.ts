// Any curve as a table or a drawing, to take away.

import { make } from "./dom";
import type { Evaluator } from "./evaluate";
import type { EdgeMark, LiveData } from "./program";

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

/** A cell that a spreadsheet reads as text and never as a formula. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replace(/"/g, '""')}"`;
}

/** Buttons under the large view: its curve as CSV, its drawing as SVG. */
export function offerCopies(dialog: Element, data: LiveData, model: Evaluator): void {
  const told = make("span", { role: "status" });
  const button = (name: string, text: () => string) => {
    const element = make("button", { type: "button" }, name);
    element.addEventListener("click", () => {
      void copied(text(), dialog).then((done) => (told.textContent = done ? "Copied." : "This browser does not let a page copy."));
    });
    return element;
  };
  const figure = () => dialog.querySelector<HTMLElement>("figure[data-edge]");
  const mark = () => data.edges.find((each) => `${each.layer}-${each.source}-${each.target}` === figure()?.dataset["edge"]);
  const csv = button("Copy as CSV", () => (mark() ? curveTable(model, mark()!) : ""));
  const svg = button("Copy as SVG", () => drawing(figure()?.querySelector("svg.chart") ?? null));
  dialog.append(make("div", { class: "large-bar" }, csv, svg, told));
  dialog.addEventListener("close", () => (told.textContent = ""));
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
