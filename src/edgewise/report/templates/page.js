"use strict";
(() => {
  const root = document.documentElement;
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const one = (query, from = document) => from.querySelector(query);
  root.classList.add("script");

  // Light and dark: the system's choice until the button is pressed; a file may not be allowed to remember it.
  const button = one("#theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = { get: () => { try { return localStorage.getItem("edgewise-theme"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("edgewise-theme", value); } catch { /* not remembered */ } } };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const paint = () => { button.textContent = isDark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`); };
  if (stored.get() === "dark" || stored.get() === "light") root.dataset.theme = stored.get();
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; stored.set(root.dataset.theme); paint(); });
  system.addEventListener("change", paint);
  button.hidden = false;
  paint();

  // The card beside an edge of the diagram: a copy of the edge's own drawing further down.
  const figures = new Map(all("figure[data-edge]").map((figure) => [figure.dataset.edge, figure]));
  const order = [...figures.keys()];
  const card = document.createElement("div");
  card.className = "card";
  card.setAttribute("aria-hidden", "true");
  card.hidden = true;
  document.body.append(card);
  const copy = (key) => {
    const figure = figures.get(key).cloneNode(true);
    figure.removeAttribute("id");
    all("[id]", figure).forEach((part) => part.removeAttribute("id"));
    all("button", figure).forEach((part) => part.remove());
    return figure;
  };
  let shown = null;
  const hide = () => { shown = null; card.hidden = true; };
  const show = (link) => {
    shown = link;
    card.replaceChildren(copy(link.dataset.edge));
    card.hidden = false;
    place();
  };
  const place = () => {
    if (!shown) return;
    const box = one("rect.frame", shown).getBoundingClientRect();
    const own = card.getBoundingClientRect();
    const gap = 10;
    const left = Math.min(Math.max(box.left + box.width / 2 - own.width / 2, gap), root.clientWidth - own.width - gap);
    const below = box.bottom + gap;
    const top = below + own.height <= root.clientHeight ? below : box.top - own.height - gap;
    card.style.left = `${Math.max(left, 0)}px`;
    card.style.top = `${Math.max(top, gap)}px`;
  };

  // The large view.
  const dialog = one("#large");
  let opener = null;
  let at = 0;
  const fill = (key) => {
    at = order.indexOf(key);
    const figure = copy(key);
    one("#large-title").textContent = one(".ends", figure).textContent.replace("→to", "→").replace(/\s+/g, " ").trim();
    one(".ends", figure).remove();
    one("#large-body").replaceChildren(figure);
    one("#large-place").textContent = `${at + 1} of ${order.length}`;
  };
  const open = (key, from) => {
    if (!figures.has(key)) return;
    hide();
    opener = from;
    fill(key);
    dialog.showModal();
  };
  const step = (by) => fill(order[(at + by + order.length) % order.length]);
  one("#large-close").addEventListener("click", () => dialog.close());
  one("#large-before").addEventListener("click", () => step(-1));
  one("#large-after").addEventListener("click", () => step(1));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { if (opener) opener.focus(); opener = null; hide(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
  });
  for (const [key, figure] of figures) {
    const enlarge = one("button.enlarge", figure);
    enlarge.hidden = false;
    enlarge.addEventListener("click", () => open(key, enlarge));
    one("svg.chart", figure).addEventListener("click", () => open(key, enlarge));
  }

  // One stop for the tab key a diagram; arrow keys go from edge to edge.
  const middle = (link) => { const box = one("rect.frame", link).getBoundingClientRect(); return box.top + box.height / 2; };
  for (const diagram of all("svg.net")) {
    const links = all("a.edge", diagram);
    const go = (link) => {
      if (!link) return;
      links.forEach((other) => other.setAttribute("tabindex", other === link ? "0" : "-1"));
      link.focus();
    };
    const beside = (link, by) => {
      const layer = Number(link.dataset.layer) + by;
      const there = links.filter((other) => Number(other.dataset.layer) === layer);
      return there.sort((a, b) => Math.abs(middle(a) - middle(link)) - Math.abs(middle(b) - middle(link)))[0];
    };
    const along = (link, by) => {
      const there = links.filter((other) => other.dataset.layer === link.dataset.layer);
      return there[there.indexOf(link) + by];
    };
    const moves = {
      ArrowUp: (link) => along(link, -1), ArrowDown: (link) => along(link, 1),
      ArrowLeft: (link) => beside(link, -1), ArrowRight: (link) => beside(link, 1),
      Home: () => links[0], End: () => links[links.length - 1],
    };
    links.forEach((link, k) => {
      link.setAttribute("tabindex", k ? "-1" : "0");
      link.setAttribute("aria-haspopup", "dialog");
      link.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") show(link); });
      link.addEventListener("pointerleave", hide);
      link.addEventListener("focus", () => { if (link.matches(":focus-visible")) show(link); });
      link.addEventListener("blur", hide);
      link.addEventListener("click", (event) => { event.preventDefault(); open(link.dataset.edge, link); });
      link.addEventListener("keydown", (event) => {
        if (event.key === "Escape") hide();
        if (event.key === " ") { event.preventDefault(); open(link.dataset.edge, link); }
        if (!(event.key in moves)) return;
        event.preventDefault();
        go(moves[event.key](link));
      });
    });
  }
  addEventListener("scroll", place, { passive: true, capture: true });
  addEventListener("resize", place);

  // A point of the front opens its formula, and the points of open ones are ringed; arrow keys go from point to point.
  const points = all("a.point");
  const formulaOf = (point) => one(point.getAttribute("href"));
  const ring = () => points.forEach((point) => {
    const open = Boolean(formulaOf(point)?.open);
    point.classList.toggle("open", open);
    point.setAttribute("aria-expanded", String(open));
  });
  const choose = (point) => {
    const target = formulaOf(point);
    if (!target) return null;
    all("details.candidate").forEach((other) => { other.open = other === target; });
    return target;
  };
  points.forEach((point, k) => {
    point.setAttribute("role", "button");
    point.addEventListener("click", (event) => {
      event.preventDefault();
      const target = choose(point);
      if (!target) return;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      target.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest" });
      one("summary", target).focus({ preventScroll: true });
    });
    point.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: k - 1, ArrowUp: k - 1, ArrowRight: k + 1, ArrowDown: k + 1, Home: 0, End: points.length - 1 }[event.key];
      if (event.key === " ") { event.preventDefault(); point.dispatchEvent(new MouseEvent("click", { cancelable: true })); }
      if (to === undefined || !points[to]) return;
      event.preventDefault();
      // The formulas change under the eye of whoever walks along the front, who stays where they are.
      points[to].focus();
      choose(points[to]);
    });
  });
  all("details.candidate").forEach((each) => each.addEventListener("toggle", ring));
  ring();

  // On paper everything that was left open stays open, and the large view is left out.
  addEventListener("beforeprint", () => { if (dialog.open) dialog.close(); });
})();
