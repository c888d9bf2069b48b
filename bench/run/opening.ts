import { addCounts, type Counts, total } from '../load/sums.ts';
import type { RunRecord } from '../results/record.ts';
import { beginTask } from '../terminal/progress.ts';
import { decimal, integer } from '../terminal/table.ts';
import { addUp, type FlowClients } from './clients.ts';

/** Streams `first` to `end - 1` of one flow. */
interface Stage {
  readonly clients: FlowClients;
  readonly first: number;
  readonly end: number;
}

/** Opens streams, stage by stage, until all are open or the server refuses one for good. */
export class Opening {
  gaveUp = false;
  private wanted = 0;
  private opened = 0;
  private seconds = 0;
  private readonly connectUs: string[] = [];
  private refused: Counts = {};

  async open({ clients, first, end }: Stage, ramp: number | null): Promise<void> {
    const count = end - first;
    this.wanted += count;
    if (this.gaveUp) return;
    const task = beginTask(`${clients.flow.name}: opening`, count, 'streams');
    const processes = await clients.open(first, end, ramp, (opened) => task.update(opened - first));
    const fromUs = Math.min(...processes.map((process) => process.fromUs));
    const toUs = Math.max(...processes.map((process) => process.toUs));
    const seconds = (toUs - fromUs) / 1e6;
    const opened = total(processes, (process) => process.opened);
    this.opened += opened;
    this.connectUs.push(...processes.map(({ connectUs }) => connectUs));
    this.refused = addCounts([this.refused, ...processes.map(({ refused }) => refused)]);
    this.gaveUp ||= processes.some(({ gaveUp }) => gaveUp);
    this.seconds += seconds;
    const of = opened < count ? ` of ${integer(count)}` : '';
    task.end(
      `${clients.flow.name}: ${integer(opened)}${of} streams open after ${decimal(seconds)} s (${integer(opened / seconds)}/s)`,
    );
  }

  get record(): RunRecord['opening'] {
    const { wanted, opened, seconds, refused } = this;
    return { wanted, opened, seconds, connectUs: addUp(this.connectUs), refused };
  }
}
