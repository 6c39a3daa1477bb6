// Elements from text that is never read as markup.

type Attributes = Record<string, string | number | boolean | null>;

export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...inner: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  set(element, attributes);
  element.append(...inner);
  return element;
}

/** Another element of a drawing, inside the last. */
export function draw<K extends keyof SVGElementTagNameMap>(
  inside: SVGElement,
  name: K,
  attributes: Attributes = {},
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(inside.namespaceURI, name) as SVGElementTagNameMap[K];
  set(element, attributes);
  inside.append(element);
  return element;
}

export function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}
