export function total<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

export type Counts = Readonly<Record<string, number>>;

/** Counts by kind of several, added up; kinds that none has are left out. */
export function addCounts(all: readonly Counts[]): Counts {
  const sums: Record<string, number> = {};
  for (const [kind, count] of all.flatMap((counts) => Object.entries(counts))) {
    if (count > 0) sums[kind] = (sums[kind] ?? 0) + count;
  }
  return sums;
}
