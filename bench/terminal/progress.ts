import { Presets, SingleBar } from 'cli-progress';
import { integer } from './table.ts';

/** One thing under way, of known length. */
export interface Task {
  update(done: number, detail?: string): void;
  /** Leaves one line behind that says what it came to. */
  end(summary: string): void;
}

/** A bar hides the cursor; a process that ends in the middle of one gives it back, and lets lines wrap again. */
if (process.stderr.isTTY) process.once('exit', () => process.stderr.write('\x1b[?25h\x1b[?7h'));

/** Shows a bar with rate and time left on a terminal; elsewhere only the line that `end` leaves. */
export function beginTask(label: string, total: number, unit: string): Task {
  const bar = new SingleBar(
    {
      format: '{label} {bar} {percentage} % | {done} {unit} | {rate}/s | {eta_formatted} left{detail}',
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 20,
      barsize: 24,
      gracefulExit: false, // Ctrl-C ends the processes first; see main.ts
    },
    Presets.shades_classic,
  );
  const startMs = performance.now();
  const payload = (done: number, detail = '') => {
    const seconds = Math.max(0.001, (performance.now() - startMs) / 1_000);
    const rate = integer(done / seconds);
    return { label, unit, rate, done: integer(done), detail: detail === '' ? '' : ` | ${detail}` };
  };
  bar.start(total, 0, payload(0));
  return {
    update: (done, detail) => bar.update(Math.min(done, total), payload(done, detail)),
    end(summary) {
      bar.stop();
      console.log(`  ${summary}`);
    },
  };
}
