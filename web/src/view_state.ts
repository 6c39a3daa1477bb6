// What Python sends of a network that is edited, and what it is asked.

import type { EdgeMark, LiveData } from "./program";

export type Edge = [number, number, number];

export interface Affected {
  rows: number;
  of: number;
  largest: number;
  decided: number | null;
  most: [number, number, number][];
}

export interface State {
  at: number;
  undo: boolean;
  redo: boolean;
  versions: { parent: number | null; words: string; note: string; edges: number; measures: Record<string, number> }[];
  looks: number;
  judged: string;
  affected: Affected | null;
  results: { words: string; stale: boolean; again: boolean }[];
  suggestions: { edge: Edge; forms: { form: string; affine: number[]; text: string; r2: number }[] } | null;
  preview: { words: string; edges: number; measures: Record<string, number>; affected: Affected } | null;
  message: string;
  script: string;
}

export interface Drawing {
  svg: string;
  more: string;
  live: LiveData | null;
  alive: number;
  edges: { edge: Edge; name: string; form: string; score: number }[];
  formula: string;
  opened: Opened | null;
}

/** An edge drawn large by Python, over its rows. */
export interface Opened {
  edge: Edge;
  svg: string;
  kind: string;
  words: string;
  mark: EdgeMark;
}

/** The part of anywidget's model that is used. */
export interface Model {
  get(name: "state"): State;
  get(name: "drawing"): Drawing;
  get(name: "sheet"): string;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
  send(message: unknown): void;
}

export type Ask = (message: Record<string, unknown>) => void;
