// What a host keeps for the live network: the part of anywidget's model that it uses.

import type { Cell } from "./encode";
import type { LiveData } from "./program";

export interface LiveModel {
  get(name: "live"): LiveData;
  get(name: "cells"): readonly Cell[] | null;
  set(name: "cells", cells: readonly Cell[]): void;
  send(message: { do: "open"; edge: string }): void;
}

/** A host without Python behind it: `open` shows an edge large, `cells` is the row to begin with. */
export function hosted(live: LiveData, open: (edge: string) => void, cells: readonly Cell[] | null = null): LiveModel {
  let now = cells;
  function get(name: "live"): LiveData;
  function get(name: "cells"): readonly Cell[] | null;
  function get(name: "live" | "cells"): LiveData | readonly Cell[] | null {
    return name === "live" ? live : now;
  }
  return {
    get,
    set: (_, next) => {
      now = next;
    },
    send: ({ edge }) => open(edge),
  };
}
