// Closed forms: trees of numbers, names and applied functions, turned into functions once.

export type Tree = number | string | [string, ...Tree[]];
export type Form = (values: ArrayLike<number>) => number;

const UNARY: Record<string, (x: number) => number> = {
  neg: (x) => -x,
  inv: (x) => 1 / x,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  step: (x) => (x >= 0 ? 1 : x < 0 ? 0 : NaN),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  gaussian: (x) => Math.exp(-x * x),
};

const BINARY: Record<string, (a: number, b: number) => number> = {
  "^": Math.pow,
  max: Math.max,
  min: Math.min,
  // The sign of the divisor, as in Python.
  mod: (a, b) => a - b * Math.floor(a / b),
};

/** Every function that formulas may hold. */
export const functions = [...Object.keys(UNARY), ...Object.keys(BINARY), "+", "*"];

export function compile(tree: Tree, names: readonly string[]): Form {
  if (typeof tree === "number") return () => tree;
  if (typeof tree === "string") {
    const at = names.indexOf(tree);
    return (values) => values[at] as number;
  }
  const [head, ...rest] = tree;
  const parts = rest.map((each) => compile(each, names));
  if (head === "+") return (values) => parts.reduce((sum, part) => sum + part(values), 0);
  if (head === "*") return product(rest, names);
  const one = UNARY[head];
  if (one) return (values) => one(parts[0]!(values));
  const two = BINARY[head];
  if (!two) throw new Error(`No function is called ${head}.`);
  return (values) => two(parts[0]!(values), parts[1]!(values));
}

// Factors that divide are divided by, for 1/b*a rounds otherwise than a/b.
function product(factors: Tree[], names: readonly string[]): Form {
  const parts = factors.map((factor) => {
    const divides = Array.isArray(factor) && factor[0] === "inv";
    return { divides, value: compile(divides ? (factor[1] as Tree) : factor, names) };
  });
  return (values) => parts.reduce((all, part) => (part.divides ? all / part.value(values) : all * part.value(values)), 1);
}
