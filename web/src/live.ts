// The live network: inputs that a reader moves, the drawing that follows, and the answer.

import { Answer } from "./answer";
import { compared } from "./compare";
import type { Kept } from "./compare";
import { control } from "./controls";
import { Diagram, pushes } from "./diagram";
import { make } from "./dom";
import type { Cell } from "./encode";
import { Evaluator } from "./evaluate";
import type { LiveModel } from "./host";
import type { LiveRow } from "./program";
import { Sureness } from "./sureness";

/** Controls that stand open; the others come by a search or a click. */
const OPEN = 8;
const [KEEP, STOP] = ["Keep this row beside the next", "Stop comparing"] as const;

/** Puts the inputs before and what adds up behind what `el` holds, the drawings of the network, which follow; gives back the way out. */
export function render({ model: host, el }: { model: LiveModel; el: HTMLElement }): () => void {
  const data = host.get("live");
  const model = new Evaluator(data.program);
  const diagrams = Array.from(el.querySelectorAll<SVGSVGElement>("svg.net"), (svg) => {
    const fold = svg.closest("details");
    fold?.addEventListener("toggle", () => update());
    return { drawn: new Diagram(svg, data), fold };
  });
  const sure = data.interval && new Sureness(data.interval);
  const answer = new Answer(data, model, sure, (edge) => host.send({ do: "open", edge }));
  const begun = host.get("cells");
  let cells: Cell[] = [...(begun?.length === data.inputs.length ? begun : data.start)];
  let row: LiveRow | null = null;
  let name = begun ? "your own" : "a typical row";
  let kept: Kept | null = null;
  let now: Kept;

  const update = () => {
    host.set("cells", cells);
    const trace = model.run(cells);
    const all = pushes(model, data, trace);
    for (const { drawn, fold } of diagrams) if (fold?.open ?? true) drawn.show(trace, all);
    answer.show(cells, trace, all, row?.truth ?? null);
    now = { name, cells: [...cells], trace, pushes: all };
    way.hidden = !row?.way;
    status.textContent = "";
    if (kept) side.replaceChildren(compared(data, model, kept, now));
  };
  const controls = data.order.flatMap((k) => {
    const column = data.inputs[k]!;
    if (column.kind === "unused") return [];
    const changed = (cell: Cell) => {
      cells[k] = cell;
      row = null;
      name = "your own";
      if (rows) rows.value = "";
      update();
    };
    const read = data.program.columns[k];
    const others = read?.kind === "level" ? (read.levels[read.unseen] ?? "") : "";
    return [{ ...control(column, `live-${k}`, others, changed), at: k }];
  });
  const put = (next: readonly Cell[]) => {
    cells = [...next];
    controls.forEach((each) => each.show(cells[each.at] ?? null));
    update();
  };

  // The nearest change of a row that is decided otherwise, and a row kept to stand beside another.
  const status = make("p", { class: "live-status", role: "status" });
  const way = press("Set it to the nearest row that is decided otherwise", () => {
    const from = row!;
    kept = now;
    [row, name] = [null, "the nearest change"];
    if (rows) rows.value = "";
    put(from.way!);
    status.textContent = `Changed: ${from.words}`;
    keep.textContent = STOP;
  });
  const side = make("div", { class: "live-side" });
  const keep = press(KEEP, () => {
    kept = kept ? null : now;
    keep.textContent = kept ? STOP : KEEP;
    side.replaceChildren();
    if (kept) update();
  });

  const rows = data.rows.length ? make("select", { id: "live-row" }) : null;
  const head: Node[] = [];
  if (rows) {
    rows.append(make("option", { value: "" }, "your own"), make("option", { value: "start" }, "a typical row"), ...grouped(data.rows));
    rows.value = begun ? "" : "start";
    rows.addEventListener("change", () => {
      if (rows.value === "") return;
      row = rows.value === "start" ? null : data.rows[Number(rows.value)]!;
      name = row?.name ?? "a typical row";
      put(row?.cells ?? data.start);
    });
    head.push(make("div", { class: "live-input" }, make("label", { for: "live-row" }, "Row"), rows));
  }
  const list = make("div", { class: "live-list" }, ...controls.map((each) => each.element));
  const left = make("div", { class: "live-left" }, answer.element, ...head, list);
  const why = make("div", { class: "live-why" }, answer.sum, make("div", { class: "live-more" }, way, keep), status, side);
  if (controls.length > OPEN) folded(left, list, controls);
  el.prepend(left);
  el.append(why);
  el.classList.add("alive");
  put(cells);
  return () => {
    left.remove();
    why.remove();
    el.classList.remove("alive");
  };
}

/** Rows to choose from, those first that have a nearest change. */
function grouped(rows: readonly LiveRow[]): Node[] {
  const options = rows.map((row, k) => ({ way: Boolean(row.way), option: make("option", { value: k }, row.name) }));
  const having = (wanted: boolean) => options.filter(({ way }) => way === wanted).map(({ option }) => option);
  const [some, rest] = [having(true), having(false)];
  if (some.length === 0) return rest;
  return [make("optgroup", { label: "with the nearest change that is decided otherwise" }, ...some), make("optgroup", { label: "others" }, ...rest)];
}

function press(name: string, act: () => void): HTMLButtonElement {
  const button = make("button", { type: "button" }, name);
  button.addEventListener("click", act);
  return button;
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
