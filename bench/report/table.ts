import type { Figure } from './figures.ts';
import { MEASURES } from './measures.ts';

// The tables of a report as values; html.ts and markdown.ts write them.

export interface Cell {
  readonly text: string;
  /** The spread of a median. */
  readonly range?: string;
  readonly tone?: 'fault' | 'doubt' | 'stopped';
  /** To be copied. */
  readonly code?: boolean;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Column {
  readonly name: string;
  readonly unit: string;
  /** Text rather than numbers. */
  readonly words: boolean;
}

export const NONE: Cell = { text: '–' };

export function ofFigure(figure: Figure): Column {
  const { name, unit } = MEASURES[figure];
  return number(name, unit);
}

export function words(name: string): Column {
  return { name, unit: '', words: true };
}

export function number(name: string, unit = ''): Column {
  return { name, unit, words: false };
}
