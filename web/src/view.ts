// The host inside a notebook: what is edited here goes to Python, and what Python makes of it comes back.

import { copied } from "./copy";
import { make, set } from "./dom";
import { Editor } from "./editor";
import { hosted } from "./host";
import type { LiveModel } from "./host";
import { render as live } from "./live";
import { shown } from "./numbers";
import type { Affected, Drawing, Model, State } from "./view_state";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const host = make("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(model.get("sheet"));
  root.adoptedStyleSheets = [sheet];
  themed(host);
  el.replaceChildren(host);

  const ask = (message: Record<string, unknown>) => model.send(message);
  const editor = new Editor(ask);
  const button = (name: string, message: Record<string, unknown>) => {
    const element = make("button", { type: "button" }, name);
    element.addEventListener("click", () => ask(message));
    return element;
  };
  const undo = button("Undo", { do: "undo" });
  const redo = button("Redo", { do: "redo" });
  const versions = make("select", { id: "edit-version", "aria-label": "Version" });
  versions.addEventListener("change", () => ask({ do: "go", version: Number(versions.value) }));
  const status = make("div", { class: "edit-status", role: "status" });
  const figure = (name: string) => make("figure", { class: "scroll stage", tabindex: 0, role: "region", "aria-label": name });
  const [stage, larger] = [figure("Network diagram"), figure("Larger network diagram")];
  const few = make("p", { class: "small" });
  const more = make("details", {}, make("summary", {}, "Show more edges"), larger);
  const formula = make("div", { class: "edit-formula" });
  const room = make("div", { id: "live", class: "live" }, make("div", { class: "live-drawn" }, formula, stage, few, more));
  const note = make("input", { id: "edit-note", type: "text", autocomplete: "off", maxlength: 500 });
  note.addEventListener("change", () => ask({ do: "note", text: note.value }));
  const script = make("pre", { tabindex: 0, "aria-label": "The edits as Python" });
  const copy = make("button", { type: "button" }, "Copy");
  copy.addEventListener("click", () => void copied(script.textContent ?? "", root).then((done) => (copy.textContent = done ? "Copied" : "Not allowed here")));
  root.append(
    make(
      "div",
      { class: "frame", role: "region", "aria-label": "A network to edit" },
      make("div", { class: "bar" }, make("div", { class: "edit-line" }, undo, redo, versions)),
      status,
      room,
      editor.element,
      make("div", { class: "live-input edit-why" }, make("label", { for: "edit-note" }, "Why this edit"), note),
      make("details", {}, make("summary", {}, "The edits as Python"), script, copy),
    ),
  );

  let below: LiveModel | null = null;
  let leave: (() => void) | null = null;
  const draw = () => {
    const drawing: Drawing = model.get("drawing");
    leave?.();
    leave = null;
    // Made by Python, every name in it escaped.
    stage.innerHTML = drawing.svg;
    larger.innerHTML = drawing.more;
    formula.innerHTML = drawing.formula;
    set(more, { hidden: !drawing.more });
    const count = stage.querySelectorAll("a.edge").length;
    few.textContent = count < drawing.alive ? `Drawn are the ${count} strongest of ${drawing.alive.toLocaleString("en")} edges.` : "";
    const choose = (key: string) => editor.choose(key);
    if (drawing.live) {
      below = hosted(drawing.live, choose, below?.get("cells") ?? null);
      leave = live({ model: below, el: room });
    }
    for (const each of [stage, larger]) walked(Array.from(each.querySelectorAll<SVGElement>("a.edge")), choose);
    editor.draw(drawing);
  };
  const show = () => {
    const state: State = model.get("state");
    set(undo, { disabled: !state.undo });
    set(redo, { disabled: !state.redo });
    versions.replaceChildren(
      ...state.versions.map(({ words, parent, note: why }, k) =>
        make("option", { value: k }, `${k}: ${words}${parent !== null && parent !== k - 1 ? ` (after ${parent})` : ""}${why ? ` – ${why}` : ""}`)),
    );
    versions.value = String(state.at);
    note.value = state.versions[state.at]!.note;
    script.textContent = state.script;
    editor.show(state);
    status.replaceChildren(...verdict(state), ...results(state, button));
  };
  draw();
  show();
  model.on("change:drawing", draw);
  model.on("change:state", show);
  return () => {
    model.off("change:drawing", draw);
    model.off("change:state", show);
  };
}

export default { render };

/** Errors before and after, who is affected, and how often these rows were looked at. */
function verdict(state: State): Node[] {
  const now = state.versions[state.at]!;
  const before = now.parent === null ? null : state.versions[now.parent]!;
  const lines: Node[] = [];
  if (state.message) lines.push(make("p", { class: "edit-wrong" }, state.message));
  const seen = `${state.judged}, looked at ${state.looks === 1 ? "once" : `${state.looks} times`}`;
  lines.push(
    before
      ? make("p", {}, `${now.words}: ${errors(before.measures, now.measures)} on ${seen}.`)
      : make("p", {}, `As given: ${errors(null, now.measures)} on ${seen}.`),
  );
  if (before && state.affected) lines.push(make("p", { class: "what" }, affected(state.affected)));
  const preview = state.preview;
  if (preview) {
    const gone = now.edges - preview.edges;
    lines.push(
      make("p", { class: "edit-preview" },
        `Would ${preview.words}: ${gone} ${gone === 1 ? "edge" : "edges"} fewer, ${errors(now.measures, preview.measures)}. ${affected(preview.affected)}`),
    );
  }
  return lines;
}

function errors(before: Record<string, number> | null, after: Record<string, number>): string {
  const names: Record<string, string> = { rmse: "RMSE", mae: "MAE", r2: "R²", auc: "AUC", log_loss: "log loss", brier: "Brier score" };
  return Object.entries(after)
    .map(([name, value]) => `${names[name] ?? name} ${before ? `${shown(before[name]!)} → ` : ""}${shown(value)}`)
    .join(", ");
}

function affected({ rows, of, largest, decided, most }: Affected): string {
  const first = most[0];
  const who = first ? `; most of all row ${first[0] + 1}, from ${shown(first[1])} to ${shown(first[2])}` : "";
  const flips = decided === null ? "" : `, ${decided} decided otherwise`;
  return `${rows} of ${of} rows move, by ${shown(largest, 3)} at most${flips}${who}.`;
}

function results(state: State, button: (name: string, message: Record<string, unknown>) => HTMLElement): Node[] {
  if (state.results.length === 0) return [];
  const list = make("ul", { class: "edit-results" }, ...state.results.map(({ words, stale }) =>
    make("li", { class: stale ? "stale" : "" }, stale ? `${words} – stale: of the network before the edits` : words)));
  return state.results.some(({ stale, again }) => stale && again) ? [list, button("Prove again", { do: "prove" })] : [list];
}

/** One stop for the tab key; arrow keys go from edge to edge, and a click or Enter chooses one. */
function walked(links: SVGElement[], choose: (key: string) => void): void {
  links.forEach((link, k) => {
    set(link, { tabindex: k ? -1 : 0 });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      choose(link.dataset["edge"] ?? "");
    });
    link.addEventListener("keydown", (event) => {
      const by: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
      const to = links[k + (by[event.key] ?? 0)];
      if (!to || to === link) return;
      event.preventDefault();
      links.forEach((other) => set(other, { tabindex: other === to ? 0 : -1 }));
      to.focus();
    });
  });
}

/** The notebook's own choice of light or dark, where it has one. */
function themed(host: HTMLElement): void {
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
  const dark = jpThemeLight === "false" || (vscodeThemeKind ?? "").includes("dark");
  if (jpThemeLight !== undefined || vscodeThemeKind !== undefined) host.dataset["theme"] = dark ? "dark" : "light";
}
