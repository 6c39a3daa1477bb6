// A model, and the page's data about it, as edgewise writes them to JSON; made from its dataclasses by web/write_types.py.

import type { Tree } from "./trees";

export type Column = NumberInput | LevelInput | Unused;

export interface ProgramInput {
  name: string;
  low: number | null;
  high: number | null;
}

export interface EdgeBlock {
  sources: number[];
  targets: number[];
  grid: number[][];
  domain: number[][];
  coef: number[][][];
}

export interface FormEdge {
  source: number;
  target: number;
  form: string;
  affine: number[];
}

export interface ProgramLayer {
  basis: string;
  degree: number;
  size: number;
  has_base: boolean;
  n_inputs: number;
  bias: number[];
  blocks: EdgeBlock[];
  forms: FormEdge[];
  sums: number;
  products: number[];
}

export interface Network {
  kind: "network";
  input_shift: number[];
  input_scale: number[];
  layers: ProgramLayer[];
  output_shift: number[];
  output_scale: number[];
  forms: Record<string, Tree>;
  rbf_width: number;
}

export interface Formulas {
  kind: "formulas";
  trees: Tree[];
}

export interface NumberInput {
  kind: "number";
  name: string;
  transform: string;
  centre: number;
  scale: number;
  low: number;
  high: number;
  fill: number;
  flagged: boolean;
  first: number;
  last: number;
  codes: number[];
  cells: string;
}

export interface LevelInput {
  kind: "level";
  name: string;
  levels: string[];
  unseen: number;
  missing: number;
}

export interface Unused {
  kind: "unused";
  name: string;
}

export interface Logistic {
  kind: "logistic";
  slope: number;
  offset: number;
}

export interface RisingPolyline {
  kind: "points";
  scores: number[];
  probabilities: number[];
}

export interface Calibration {
  method: string;
  curves: (Logistic | RisingPolyline)[];
  threshold: number | null;
}

export interface Program {
  origin: string;
  inputs: ProgramInput[];
  outputs: string[];
  body: Network | Formulas;
  columns: (NumberInput | LevelInput | Unused)[];
  classes: (string | number | number | boolean)[] | null;
  flat: boolean;
  units: Record<string, string>;
  calibration: Calibration | null;
  version: number;
}

export interface EdgeMark {
  layer: number;
  source: number;
  target: number;
  name: string;
  low: number;
  high: number;
  bottom: number;
  top: number;
  mean: number;
  height: number;
  levels: number;
}

export interface InputControl {
  name: string;
  unit: string;
  low: number | null;
  high: number | null;
  kind: string;
  levels: string[];
  missing: boolean;
  inputs: number[];
}

export interface LiveRow {
  name: string;
  cells: (number | string | null)[];
  truth: number | string | null;
  way: (number | string | null)[] | null;
  words: string;
}

export interface AnswerInterval {
  share: number;
  quantile: number[];
  scale: Program | null;
  spread: number;
  low: number;
  high: number;
}

export interface LiveFormula {
  program: Program;
  cells: number[];
}

export interface LiveData {
  program: Program;
  target: string;
  unit: string;
  inputs: InputControl[];
  order: number[];
  start: (number | string | null)[];
  rows: LiveRow[];
  edges: EdgeMark[];
  interval: AnswerInterval | null;
  formula: LiveFormula | null;
}
