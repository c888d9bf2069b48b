export type Row = Readonly<Record<string, string>>;

/** Rows under the names of their cells; the first column to the left, numbers to the right. */
export function table(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const width = (column: string) => Math.max(column.length, ...rows.map((row) => (row[column] ?? '').length));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(width(columns[i]!)) : cell.padStart(width(columns[i]!))))
      .join('  ')
      .trimEnd();
  return [columns, columns.map((column) => '-'.repeat(width(column)))]
    .concat(rows.map((row) => columns.map((column) => row[column] ?? '')))
    .map(line)
    .join('\n');
}

export function integer(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '-';
}

/** Two decimals below ten, one below a hundred: no digit that noise would change. */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
