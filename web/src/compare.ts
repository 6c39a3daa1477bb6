// Two rows side by side: what they are asked, what differs, what is answered, and what adds up to it.

import type { Push } from "./diagram";
import { make } from "./dom";
import type { Cell } from "./encode";
import type { Evaluator, Trace } from "./evaluate";
import { dateOf, percent, shown } from "./numbers";
import type { InputControl, LiveData } from "./program";

const MOST_PARTS = 8;

export interface Kept {
  name: string;
  cells: readonly Cell[];
  trace: Trace;
  pushes: Push[];
}

/** A table of both rows. */
export function compared(data: LiveData, model: Evaluator, one: Kept, two: Kept): HTMLElement {
  const body: HTMLElement[] = [];
  const row = (name: string, a: string, b: string) =>
    body.push(make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "n" }, a), make("td", { class: "n" }, b)));
  const answer = ({ trace }: Kept) => {
    const odds = model.probabilities(trace.outputs);
    const likely = odds.indexOf(Math.max(...odds));
    const classes = data.program.classes;
    return classes ? `${String(classes[likely])}, ${percent(odds[likely]!)}` : Array.from(trace.outputs, (v) => shown(v, 6)).join(", ");
  };
  row(data.target, answer(one), answer(two));
  let same = 0;
  for (const k of data.order) {
    const column = data.inputs[k]!;
    if (column.kind === "unused") continue;
    const [a, b] = [one.cells[k] ?? null, two.cells[k] ?? null];
    if (a === b) same++;
    else row(column.unit ? `${column.name} (${column.unit})` : column.name, written(column, a), written(column, b));
  }
  const last = model.program.body.kind === "network" ? model.program.body.layers.length - 1 : -1;
  const parts = one.pushes
    .map((push, k) => ({ name: push.mark.name, mark: push.mark, a: push.value, b: two.pushes[k]!.value }))
    .filter(({ mark, a, b }) => mark.layer === last && mark.target === 0 && a !== b)
    .sort((x, y) => Math.abs(y.a - y.b) - Math.abs(x.a - x.b))
    .slice(0, MOST_PARTS);
  for (const { name, a, b } of parts) row(`${name} adds`, shown(a, 3), shown(b, 3));
  const head = make("tr", {}, make("td"), ...[one, two].map(({ name }) => make("th", { scope: "col", class: "n" }, name)));
  const note = same ? `${same} other ${same === 1 ? "input is" : "inputs are"} equal.` : "Every input differs.";
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Two rows compared" },
    make("table", {}, make("caption", {}, note), make("thead", {}, head), make("tbody", {}, ...body)));
}

function written(column: InputControl, cell: Cell): string {
  if (cell === null || cell === "") return "missing";
  if (column.kind === "date") return dateOf(Number(cell));
  if (column.kind === "choice" && column.low !== null) return column.levels[cell === column.low ? 0 : 1] ?? String(cell);
  return typeof cell === "number" ? shown(cell, 5) : cell;
}
