// One control for each column: a slider with a field, or a menu.

import { make, set } from "./dom";
import type { Cell } from "./encode";
import { dateOf, daysOf, shown, typed } from "./numbers";
import type { InputControl } from "./program";

const STEPS = 400;
/** Words from which on a menu is too long to go through: they are typed, and found as they are. */
const MANY = 20;
/** Beyond the training range a slider goes on by this share of it, so that a reader sees what happens there. */
const BEYOND = 0.1;

export interface Control {
  readonly element: HTMLElement;
  readonly column: InputControl;
  show(cell: Cell): void;
}

/** `others` is the level that words count as which are none themselves. */
export function control(column: InputControl, id: string, others: string, changed: (cell: Cell) => void): Control {
  if (column.kind !== "choice") return slider(column, id, changed);
  return column.levels.length > MANY ? words(column, id, others, changed) : menu(column, id, changed);
}

function named(column: InputControl): string {
  return column.unit ? `${column.name} (${column.unit})` : column.name;
}

function menu(column: InputControl, id: string, changed: (cell: Cell) => void): Control {
  const select = make("select", { id });
  const cells: Cell[] = [];
  const add = (cell: Cell, text: string) => {
    cells.push(cell);
    select.append(make("option", { value: cells.length - 1 }, text));
  };
  column.levels.forEach((word, k) => add(column.low === null ? word : column.low + k * (column.high! - column.low), word));
  if (column.missing) add(null, "missing");
  select.addEventListener("change", () => changed(cells[Number(select.value)] ?? null));
  const element = make("div", { class: "live-input" }, make("label", { for: id }, named(column)), select);
  return {
    element,
    column,
    show(cell) {
      let at = cells.indexOf(cell === "" ? null : cell);
      if (at < 0) {
        // A word that the model has not seen, or a cell that its rows never lacked.
        add(cell, cell === null ? "missing" : `${String(cell)} (not seen in training)`);
        at = cells.length - 1;
      }
      select.value = String(at);
    },
  };
}

function words(column: InputControl, id: string, others: string, changed: (cell: Cell) => void): Control {
  const known = new Set(column.levels);
  const list = make("datalist", { id: `${id}-words` }, ...column.levels.map((word) => make("option", { value: word })));
  const field = make("input", { id, type: "text", list: list.id, autocomplete: "off", spellcheck: "false", placeholder: "missing" });
  const note = make("span", { class: "live-note", hidden: true }, `no level of its own: read as ${others}`);
  const element = make("div", { class: "live-input" }, make("label", { for: id }, named(column)), field, list, note);
  const show = (cell: Cell) => {
    const word = cell === null ? "" : String(cell);
    field.value = word;
    note.hidden = word === "" || known.has(word);
  };
  field.addEventListener("change", () => {
    const word = field.value.trim();
    show(word);
    changed(word === "" ? null : word);
  });
  return { element, column, show };
}

function slider(column: InputControl, id: string, changed: (cell: Cell) => void): Control {
  const dates = column.kind === "date";
  const whole = column.kind === "whole" || dates;
  const room = BEYOND * (column.high! - column.low!) || 1;
  const low = column.low! - room;
  const high = column.high! + room;
  const range = make("input", { id, type: "range", min: low, max: high, step: whole ? 1 : "any", "aria-label": named(column) });
  if (whole) set(range, { min: Math.floor(low), max: Math.ceil(high) });
  else set(range, { step: (high - low) / STEPS });
  const field = make("input", {
    id: `${id}-typed`,
    type: dates ? "date" : "text",
    inputmode: dates ? null : "decimal",
    autocomplete: "off",
    spellcheck: "false",
  });
  const note = make("span", { class: "live-note", hidden: true }, "outside the training range");
  const row = make("div", { class: "live-slide" }, range, field);
  const element = make("div", { class: "live-input" }, make("label", { for: field.id }, named(column)), row, note);
  let lacks: HTMLInputElement | null = null;
  let last = column.low!;

  const outside = (cell: Cell) => {
    const slack = 1e-6 * (column.high! - column.low!);
    note.hidden = cell === null || (Number(cell) >= column.low! - slack && Number(cell) <= column.high! + slack);
  };
  const entered = (value: number) => {
    last = value;
    if (lacks) lacks.checked = false;
    field.removeAttribute("aria-invalid");
    outside(value);
    changed(value);
  };
  range.addEventListener("input", () => {
    const value = Number(range.value);
    field.value = dates ? dateOf(value) : shown(value);
    set(range, { "aria-valuetext": field.value });
    entered(value);
  });
  field.addEventListener("change", () => {
    const value = dates ? daysOf(field.value) : typed(field.value);
    if (!Number.isFinite(value)) {
      set(field, { "aria-invalid": "true" });
      return;
    }
    range.value = String(value);
    entered(value);
  });
  if (column.missing) {
    lacks = make("input", { type: "checkbox" });
    const box = lacks;
    element.append(make("label", { class: "live-missing" }, box, " missing"));
    box.addEventListener("change", () => {
      if (!box.checked) return entered(last);
      outside(null);
      changed(null);
    });
  }
  return {
    element,
    column,
    show(cell) {
      const lacking = cell === null || cell === "";
      if (lacks) lacks.checked = lacking;
      outside(lacking ? null : cell);
      if (lacking) return;
      last = Number(cell);
      range.value = String(last);
      field.value = dates ? dateOf(last) : shown(last, 5);
      set(range, { "aria-valuetext": field.value });
      field.removeAttribute("aria-invalid");
    },
  };
}
