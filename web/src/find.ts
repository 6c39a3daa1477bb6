// Edges found by their descriptions: names of their ends, closed form, what their curve does.

import { make } from "./dom";

/** A field that dims every edge of the drawings but those it finds; Enter opens the first. Null where there is little to find. */
export function finder(drawings: readonly SVGSVGElement[], open: (edge: string) => void, least: number): HTMLElement | null {
  const links = drawings.flatMap((svg) => Array.from(svg.querySelectorAll<SVGElement>("a.edge")));
  if (links.length < least) return null;
  const labels = links.map((link) => (link.getAttribute("aria-label") ?? "").toLowerCase());
  const field = make("input", { id: "live-find-edge", type: "search", autocomplete: "off" });
  const count = make("span", { class: "what", role: "status" });
  let first: SVGElement | undefined;
  const show = () => {
    const words = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const found = links.filter((_, k) => words.every((word) => labels[k]!.includes(word)));
    links.forEach((link) => link.classList.toggle("dim", !found.includes(link)));
    first = words.length ? found[0] : undefined;
    count.textContent = words.length ? `${new Set(found.map((link) => link.dataset["edge"])).size} found${first ? "; Enter opens the first" : ""}` : "";
  };
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && first) open(first.dataset["edge"] ?? "");
  });
  return make("div", { class: "live-input live-edges" }, make("label", { for: field.id }, "Find an edge"), field, count);
}
