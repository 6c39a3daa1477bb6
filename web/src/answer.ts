// The answer: a number or the odds of the classes, what adds up to it, and what is known of the row.

import { make } from "./dom";
import { Evaluator } from "./evaluate";
import type { Trace } from "./evaluate";
import type { Push } from "./diagram";
import { percent, shown } from "./numbers";
import type { Cell } from "./encode";
import type { LiveData } from "./program";
import type { Sureness } from "./sureness";

const MOST_BARS = 8;
const MOST_CLASSES = 8;

export class Answer {
  /** The answer itself, and what adds up to it. */
  readonly element: HTMLElement;
  readonly sum = make("div", { class: "live-sum" });
  readonly #value = make("output", { class: "live-number" });
  readonly #classes = make("div", { class: "live-classes" });
  readonly #sure = make("p", { class: "what" });
  readonly #truth = make("p", { class: "live-truth" });
  readonly #formulaGives = make("p", { class: "what" });
  readonly #formula: Evaluator | null;

  constructor(
    readonly data: LiveData,
    readonly model: Evaluator,
    readonly sure: Sureness | null,
    readonly open: (key: string) => void,
  ) {
    this.#formula = data.formula && new Evaluator(data.formula.program);
    this.element = make(
      "div",
      { class: "live-answer" },
      make(
        "div",
        { class: "live-head" },
        make("p", { class: "what" }, data.program.classes ? `Most probable ${data.target}` : `Predicted ${data.target}`),
        make("p", {}, this.#value),
      ),
      this.#classes,
      this.#sure,
      this.#formulaGives,
      this.#truth,
    );
  }

  show(cells: readonly Cell[], trace: Trace, pushes: Push[], truth: number | string | null): void {
    const { program, unit } = this.data;
    const odds = this.model.probabilities(trace.outputs);
    const likely = odds.indexOf(Math.max(...odds));
    // Two classes have one output, the log-odds of the second.
    const at = odds.length > 2 ? likely : 0;
    if (program.classes) {
      this.#value.textContent = `${String(program.classes[likely])}, ${percent(odds[likely]!)}`;
      this.#classes.replaceChildren(...this.#bars(odds));
    } else {
      const numbers = Array.from(trace.outputs, (value) => shown(value, 6)).join(", ");
      const half = this.sure?.half(cells) ?? null;
      const around = half === null ? "" : ` ± ${shown(half, 3)}`;
      this.#value.textContent = `${numbers}${around}${unit ? ` ${unit}` : ""}`;
    }
    this.#formulaGives.textContent = this.#formulaSentence(cells);
    this.#sure.textContent = this.sure?.sentence(odds, program.classes) ?? "";
    this.#truth.textContent = truth === null ? "" : `Observed: ${typeof truth === "number" ? shown(truth, 6) : truth}.`;
    this.#parts(trace, pushes, at);
  }

  /** Probabilities of the classes, in their own order; of many, of the most probable ones. */
  #bars(odds: number[]): HTMLElement[] {
    const names = this.data.program.classes!.map(String);
    const all = names.map((name, k) => ({ name, odd: odds[k]! }));
    const few = all.length > MOST_CLASSES ? all.sort((a, b) => b.odd - a.odd).slice(0, MOST_CLASSES) : all;
    const bars = few.map(({ name, odd }) => bar(name, percent(odd), 0, odd));
    const rest = all.length - few.length;
    if (rest) bars.push(make("span", { class: "what" }, `${rest} less probable ${rest === 1 ? "class" : "classes"}`));
    return bars;
  }

  /** What the formula answers for the same row. */
  #formulaSentence(cells: readonly Cell[]): string {
    if (!this.#formula) return "";
    const { outputs } = this.#formula.run(this.data.formula!.cells.map((at) => cells[at] ?? NaN));
    const value = outputs[0]!;
    const { unit } = this.data;
    return Number.isFinite(value) ? `The formula gives ${shown(value, 6)}${unit ? ` ${unit}` : ""}.` : "The formula has no value there.";
  }

  #what(output: number): string {
    const { classes, calibration } = this.data.program;
    if (!classes) return "It is";
    const one = String(classes[classes.length === 2 ? 1 : output]);
    return `Log-odds of ${one}${calibration ? " before calibration" : ""} are`;
  }

  /** What the last layer adds up, the largest first; the rest of the sum is what it is on average. */
  #parts(trace: Trace, pushes: Push[], output: number): void {
    const body = this.model.program.body;
    if (body.kind !== "network") return;
    const last = body.layers.length - 1;
    const own = pushes.filter(({ mark }) => mark.layer === last && mark.target === output);
    if (own.length === 0 || output >= body.layers[last]!.sums) return this.sum.replaceChildren();
    const order = [...own].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const base = trace.outputs[output]! - own.reduce((sum, { value }) => sum + value, 0);
    const most = Math.max(...own.map(({ value }) => Math.abs(value)), 1e-300);
    const rows = order.slice(0, MOST_BARS).map(({ mark, value }) => {
      const row = bar(mark.name, signed(value), value < 0 ? -1 : 1, Math.abs(value) / most);
      const button = make("button", { type: "button", class: "live-open" }, row);
      button.addEventListener("click", () => this.open(`${mark.layer}-${mark.source}-${mark.target}`));
      return button;
    });
    const rest = order.slice(MOST_BARS).reduce((sum, { value }) => sum + value, 0);
    if (order.length > MOST_BARS) rows.push(make("button", { type: "button", class: "live-open", disabled: true },
      bar(`${order.length - MOST_BARS} more`, signed(rest), rest < 0 ? -1 : 1, Math.min(Math.abs(rest) / most, 1))));
    this.sum.replaceChildren(
      make("p", { class: "what" }, `${this.#what(output)} ${shown(base)} on average; this row moves that by`),
      ...rows,
      make("p", { class: "what" }, `and so to ${shown(trace.outputs[output]!, 6)}.`),
    );
  }
}

function signed(value: number): string {
  return value <= 0 ? shown(value, 3) : `+${shown(value, 3)}`;
}

function bar(name: string, size: string, side: number, share: number): HTMLElement {
  const fill = make("span", { class: side < 0 ? "fill down" : side > 0 ? "fill up" : "fill" });
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  const track = make("span", { class: "track" }, fill);
  return make("span", { class: "live-bar" }, make("span", { class: "name" }, name), track, make("span", { class: "size" }, size));
}
