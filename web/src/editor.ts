// One edge at a time: its closed forms with their fit, its curve on a range or through points, and turning edges off.

import { copies } from "./copy";
import { make, set } from "./dom";
import { Evaluator } from "./evaluate";
import { shown, typed } from "./numbers";
import type { Ask, Drawing, Edge, State } from "./view_state";

const LISTED = 200;

export class Editor {
  readonly element: HTMLElement;
  readonly #edge = make("select", { id: "edit-edge" });
  readonly #find = make("input", { id: "edit-find", type: "search", autocomplete: "off" });
  readonly #from = field("edit-from", "From");
  readonly #to = field("edit-to", "to");
  readonly #points = make("textarea", { id: "edit-points", rows: 3, spellcheck: "false", placeholder: "one x and y a line" });
  readonly #least = field("edit-least", "Edges below this share of the outputs' spread");
  readonly #forms = make("ol", { class: "edit-forms" });
  readonly #large = make("figure", { class: "edit-large", "aria-live": "polite" });
  readonly #wrong = make("p", { class: "live-note", role: "alert" });
  readonly #spline: HTMLButtonElement;
  readonly #copies: ReturnType<typeof copies>;
  #edges: Drawing["edges"] = [];
  #drawing: Drawing | null = null;

  constructor(readonly ask: Ask) {
    this.#copies = copies(
      {
        mark: () => this.#drawing?.opened?.mark,
        svg: () => this.#large.querySelector("svg.chart"),
        model: () => new Evaluator(this.#drawing!.live!.program),
      },
      this.#large,
    );
    this.#spline = this.#button("Make it a spline", () => this.#apply("numeric", {}));
    const range = (name: string, text: (ends: string) => string) =>
      this.#button(name, () => {
        const ends = this.#ends();
        if (ends !== null) this.#apply("shape", { to: text(ends) });
      });
    this.element = make(
      "div",
      { class: "edit" },
      make(
        "div",
        { class: "edit-which" },
        make("div", { class: "live-input" }, make("label", { for: "edit-edge" }, "Edge to edit"), this.#edge),
        make("div", { class: "live-input" }, make("label", { for: "edit-find" }, "Find an edge"), this.#find),
      ),
      make(
        "fieldset",
        {},
        make("legend", {}, "Its curve"),
        this.#large,
        this.#copies.element,
        make("div", { class: "edit-line" }, ...this.#from.parts, ...this.#to.parts, make("span", { class: "what" }, "empty: the whole range")),
        make(
          "div",
          { class: "edit-line" },
          range("Rising", (ends) => `increasing${ends}`),
          range("Falling", (ends) => `decreasing${ends}`),
          range("Flat", (ends) => (ends === "" ? "constant(None, None)" : `constant${ends}`)),
          range("Smooth", (ends) => (ends === "" ? "smooth" : `smooth(1, ${ends.slice(1)}`)),
        ),
        make("div", { class: "live-input" }, make("label", { for: "edit-points" }, "Points it shall pass through, about its mean"), this.#points),
        make("div", { class: "edit-line" }, this.#button("Through these points", () => this.#through()), this.#wrong),
      ),
      make(
        "fieldset",
        {},
        make("legend", {}, "A closed form"),
        make("div", { class: "edit-line" }, this.#button("Suggest closed forms", () => this.ask({ do: "suggest", edge: this.edge })), this.#spline),
        this.#forms,
      ),
      make(
        "fieldset",
        {},
        make("legend", {}, "Prune"),
        make("div", { class: "edit-line" }, this.#button("Prune this edge", () => this.#apply("prune", { edges: [this.edge] }))),
        make("div", { class: "live-input" }, ...this.#least.parts),
        make("div", { class: "edit-line" }, this.#button("Preview", () => this.#bulk("preview")), this.#button("Prune them", () => this.#bulk("apply"))),
      ),
    );
    this.#least.input.value = "0.01";
    this.#find.addEventListener("input", () => this.#list());
    this.#find.addEventListener("change", () => this.#open());
    this.#edge.addEventListener("change", () => this.#open());
  }

  get edge(): Edge | undefined {
    return this.#edges[Number(this.#edge.value)]?.edge;
  }

  /** Chooses an edge, as a click on the drawing does. */
  choose(key: string): void {
    const at = this.#edges.findIndex(({ edge }) => edge.join("-") === key);
    if (at < 0) return;
    this.#find.value = "";
    this.#list();
    if (!this.#edge.querySelector(`[value="${at}"]`)) this.#edge.append(this.#option(at));
    this.#edge.value = String(at);
    this.#open();
  }

  draw(drawing: Drawing): void {
    const { edges, opened } = drawing;
    this.#drawing = drawing;
    this.#copies.clear();
    this.#edges = edges;
    this.#list();
    const at = opened ? edges.findIndex(({ edge }) => edge.join() === opened.edge.join()) : -1;
    if (at >= 0) {
      if (!this.#edge.querySelector(`[value="${at}"]`)) this.#edge.append(this.#option(at));
      this.#edge.value = String(at);
    }
    this.#chosen();
    this.#large.replaceChildren();
    if (!opened || at < 0) return;
    const drawn = make("div", { class: "edit-drawn" });
    drawn.innerHTML = opened.svg; // made by Python, every name in it escaped
    this.#large.append(drawn, make("figcaption", {}, `${edges[at]!.name}, ${opened.kind}. ${opened.words}`));
  }

  show(state: State): void {
    const found = state.suggestions;
    const rows = (found?.forms ?? []).map(({ form, affine, text, r2 }) =>
      make(
        "li",
        {},
        make("code", {}, text),
        make("span", { class: "what" }, `R² ${shown(r2, 5)}`),
        this.#button("Use", () => this.ask({ do: "apply", edit: "snap", edge: found!.edge, form, affine }), `Use ${text}`),
      ),
    );
    this.#forms.replaceChildren(...rows);
  }

  #list(): void {
    const wanted = this.#find.value.trim().toLowerCase();
    const found = this.#edges.flatMap(({ name }, k) => (name.toLowerCase().includes(wanted) ? [k] : [])).slice(0, LISTED);
    this.#edge.replaceChildren(...found.map((k) => this.#option(k)));
    this.#chosen();
  }

  /** Asks Python to draw the chosen edge large. */
  #open(): void {
    this.#chosen();
    if (this.edge) this.ask({ do: "open", edge: this.edge });
  }

  #option(at: number): HTMLOptionElement {
    const { name, form, score } = this.#edges[at]!;
    return make("option", { value: at }, `${name}${form ? ` (${form})` : ""}, score ${shown(score, 3)}`);
  }

  #chosen(): void {
    set(this.#spline, { disabled: !this.#edges[Number(this.#edge.value)]?.form });
  }

  #apply(edit: string, more: Record<string, unknown>): void {
    if (this.edge) this.ask({ do: "apply", edit, edge: this.edge, ...more });
  }

  #bulk(act: string): void {
    const threshold = this.#least.read();
    if (threshold !== null && Number.isFinite(threshold)) this.ask({ do: act, edit: "prune", threshold });
  }

  /** "(low, high)", empty for the whole range, null where what is typed is no number. */
  #ends(): string | null {
    const [low, high] = [this.#from.read(), this.#to.read()];
    if (Number.isNaN(low) || Number.isNaN(high)) return null;
    return low === null && high === null ? "" : `(${low ?? "None"}, ${high ?? "None"})`;
  }

  #through(): void {
    const lines = this.#points.value.split("\n").filter((line) => line.trim() !== "");
    const pairs = lines.map((line) => line.trim().split(/[\s;]+/).map(typed));
    const bad = pairs.findIndex((pair) => pair.length !== 2 || !pair.every(Number.isFinite));
    this.#wrong.textContent = lines.length === 0 ? "Type a point first." : bad < 0 ? "" : `Line ${bad + 1} is no pair of numbers.`;
    if (bad < 0 && lines.length > 0) this.#apply("shape", { to: pairs });
  }

  #button(name: string, act: () => void, label?: string): HTMLButtonElement {
    const button = make("button", { type: "button", "aria-label": label ?? null }, name);
    button.addEventListener("click", act);
    return button;
  }
}

/** A field for a number; it reads as null where it is empty, and as NaN where it holds none. */
function field(id: string, name: string): { parts: HTMLElement[]; input: HTMLInputElement; read(): number | null } {
  const input = make("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", size: 8 });
  const read = () => {
    const value = input.value.trim() === "" ? null : typed(input.value);
    set(input, { "aria-invalid": Number.isNaN(value) ? "true" : null });
    return value;
  };
  return { parts: [make("label", { for: id }, name), input], input, read };
}
