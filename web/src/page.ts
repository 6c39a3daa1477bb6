// The host inside a saved page: data and drawings stand in the document.

import { copies } from "./copy";
import { Evaluator } from "./evaluate";
import { finder } from "./find";
import { hosted } from "./host";
import { render } from "./live";
import type { LiveData } from "./program";

export { curveTable } from "./copy";
export { Evaluator } from "./evaluate";
export { hosted } from "./host";
export { render } from "./live";
export { functions } from "./trees";

/** Edges from which on there is a field to find one. */
const MANY = 15;

export function start(): void {
  const text = document.querySelector("#live-data")?.textContent;
  const el = document.querySelector<HTMLElement>("#live");
  if (!text || !el) return;
  const open = (edge: string) =>
    document.querySelector<SVGElement>(`[data-edge="${edge}"]`)?.dispatchEvent(new MouseEvent("click", { cancelable: true }));
  const data = JSON.parse(text) as LiveData;
  render({ model: hosted(data, open), el });
  const find = finder(Array.from(el.querySelectorAll<SVGSVGElement>("svg.net")), open, MANY);
  if (find) el.querySelector(".live-drawn")?.prepend(find);
  const dialog = document.querySelector("#large");
  if (!dialog) return;
  const figure = () => dialog.querySelector<HTMLElement>("figure[data-edge]");
  const model = new Evaluator(data.program);
  const bar = copies(
    {
      mark: () => data.edges.find(({ layer, source, target }) => `${layer}-${source}-${target}` === figure()?.dataset["edge"]),
      svg: () => figure()?.querySelector("svg.chart") ?? null,
      model: () => model,
    },
    dialog,
  );
  dialog.append(bar.element);
  dialog.addEventListener("close", bar.clear);
}

if (typeof document !== "undefined") start();
