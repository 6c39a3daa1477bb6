// How sure an answer is: an interval around a number, or the classes that cannot be excluded.

import type { Cell } from "./encode";
import { Evaluator } from "./evaluate";
import { percent } from "./numbers";
import type { AnswerInterval } from "./program";

export class Sureness {
  readonly #scale: Evaluator | null;

  constructor(readonly interval: AnswerInterval) {
    this.#scale = interval.scale && new Evaluator(interval.scale);
  }

  /** Half the width of the interval of a row, in units of y. */
  half(cells: readonly Cell[]): number {
    const { quantile, spread, low, high } = this.interval;
    if (!this.#scale) return quantile[0]!;
    const bent = this.#scale.run(cells).outputs[0]!;
    return quantile[0]! * spread * Math.exp(Math.min(Math.max(bent, low), high));
  }

  sentence(odds: readonly number[], classes: readonly unknown[] | null): string {
    const { share, quantile } = this.interval;
    const often = percent(share).replace(".0 %", " %");
    if (!classes) return `The interval holds the truth of ${often} of new rows.`;
    const left = classes.filter((_, k) => 1 - odds[k]! <= (quantile[k] ?? quantile[0]!));
    const first = left.length ? `Cannot be excluded: ${left.map(String).join(", ")}.` : "Every class can be excluded: the row is like none.";
    return `${first} Such sets hold the class of ${often} of new rows.`;
  }
}
