// The live network: inputs that a reader moves, the drawing that follows, and the answer.

import { Answer } from "./answer";
import { control } from "./controls";
import { Diagram, pushes } from "./diagram";
import { make } from "./dom";
import type { Cell } from "./encode";
import { Evaluator } from "./evaluate";
import type { LiveData } from "./program";

/** Controls that stand open; the others come by a search or a click. */
const OPEN = 8;

export interface Host {
  /** Where the controls and the answer go. */
  el: HTMLElement;
  /** Drawings of the network that follow. */
  drawings: SVGSVGElement[];
  /** Shows an edge large. */
  open?: (key: string) => void;
}

export interface Shown {
  set(cells: readonly Cell[]): void;
  cells(): readonly Cell[];
}

export function render(data: LiveData, { el, drawings, open }: Host): Shown {
  const model = new Evaluator(data.program);
  const diagrams = drawings.map((svg) => new Diagram(svg, data));
  const answer = new Answer(data, model, open ?? (() => undefined));
  let cells: Cell[] = [...data.start];
  let truth: number | string | null = null;

  const update = () => {
    const trace = model.run(cells);
    const all = pushes(model, data, trace);
    diagrams.forEach((diagram) => diagram.show(trace, all));
    answer.show(trace, all, truth);
  };
  const controls = data.order.flatMap((k) => {
    const column = data.inputs[k]!;
    if (column.kind === "unused") return [];
    const changed = (cell: Cell) => {
      cells[k] = cell;
      truth = null;
      if (rows) rows.value = "";
      update();
    };
    return [{ ...control(column, `live-${k}`, changed), at: k }];
  });
  const put = (next: readonly Cell[]) => {
    cells = [...next];
    controls.forEach((each) => each.show(cells[each.at] ?? null));
    update();
  };

  const rows = data.rows.length ? make("select", { id: "live-row" }) : null;
  const head: Node[] = [];
  if (rows) {
    rows.append(make("option", { value: "" }, "your own"), make("option", { value: "start" }, "a typical row"));
    data.rows.forEach((row, k) => rows.append(make("option", { value: k }, row.name)));
    rows.value = "start";
    rows.addEventListener("change", () => {
      const row = rows.value === "" || rows.value === "start" ? null : data.rows[Number(rows.value)]!;
      truth = row?.truth ?? null;
      if (rows.value !== "") put(row?.cells ?? data.start);
    });
    head.push(make("div", { class: "live-input" }, make("label", { for: "live-row" }, "Row"), rows));
  }
  const list = make("div", { class: "live-list" }, ...controls.map((each) => each.element));
  const left = make("div", { class: "live-inputs" }, ...head, list);
  if (controls.length > OPEN) folded(left, list, controls);
  el.replaceChildren(left, answer.element);
  el.hidden = false;
  put(cells);
  return { set: put, cells: () => cells };
}

/** The first controls, and the others as they are asked for. */
function folded(left: HTMLElement, list: HTMLElement, controls: { element: HTMLElement; column: { name: string } }[]): void {
  const search = make("input", { id: "live-find", type: "search", autocomplete: "off", placeholder: "Find an input" });
  const more = make("button", { type: "button", "aria-expanded": "false" });
  let whole = false;
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    controls.forEach(({ element, column }, k) => {
      element.hidden = wanted ? !column.name.toLowerCase().includes(wanted) : !whole && k >= OPEN;
    });
    more.textContent = whole ? `Show the first ${OPEN} only` : `Show all ${controls.length} inputs`;
    more.setAttribute("aria-expanded", String(whole));
    more.hidden = wanted !== "";
  };
  search.addEventListener("input", show);
  more.addEventListener("click", () => {
    whole = !whole;
    show();
  });
  list.before(make("div", { class: "live-input" }, make("label", { for: "live-find", class: "sr" }, "Find an input"), search));
  left.append(more);
  show();
}
