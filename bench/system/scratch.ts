import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let root: string | null = null;

/** A new empty folder, removed when this process exits, however it does. */
export function scratchFolder(): string {
  if (root === null) {
    const made = mkdtempSync(join(tmpdir(), 'ssemux-bench-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    root = made;
  }
  return mkdtempSync(join(root, 'run-'));
}
