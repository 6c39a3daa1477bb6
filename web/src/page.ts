// The host inside a saved page: data and drawings stand in the document.

import { offerCopies } from "./copy";
import { Evaluator } from "./evaluate";
import { render } from "./live";
import type { LiveData } from "./program";

export { curveTable } from "./copy";
export { Evaluator } from "./evaluate";
export { render } from "./live";
export { functions } from "./trees";

export function start(): void {
  const told = document.querySelector("#live-data")?.textContent;
  const el = document.querySelector<HTMLElement>("#live");
  if (!told || !el) return;
  const drawings = Array.from(document.querySelectorAll<SVGSVGElement>("svg.net"));
  const open = (key: string) =>
    document.querySelector<SVGElement>(`[data-edge="${key}"]`)?.dispatchEvent(new MouseEvent("click", { cancelable: true }));
  const data = JSON.parse(told) as LiveData;
  render(data, { el, drawings, open });
  const dialog = document.querySelector("#large");
  if (dialog) offerCopies(dialog, data, new Evaluator(data.program));
}

if (typeof document !== "undefined") start();
