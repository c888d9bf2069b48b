// Colours are custom properties of the page (report.css), so that a chart follows its scheme; servers also differ by
// dash and symbol.

const COLOURS = 8;
const DASHES = ['solid', [7, 4], [2, 3], [9, 3, 2, 3]] as const;
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond'] as const;

export interface Ink {
  readonly colour: string;
  /** Lengths of stroke and gap. */
  readonly dash: 'solid' | readonly number[];
  readonly symbol: (typeof SYMBOLS)[number];
}

/** `server` is a group's colour: 0 for the first. */
export function inkOf(server: number): Ink {
  return {
    colour: `var(--c${1 + (server % COLOURS)})`,
    dash: DASHES[server % DASHES.length]!,
    symbol: SYMBOLS[server % SYMBOLS.length]!,
  };
}

export const INK = 'var(--ink)';
export const QUIET = 'var(--quiet)';
export const HAIRLINE = 'var(--hairline)';
export const PAPER = 'var(--paper)';
