import { setTimeout as sleep } from 'node:timers/promises';
import { nowUs, sleepUntil } from '../load/clock.ts';
import { emptyHistogram, encodeHistogram, record } from '../load/latency.ts';
import type {
  Churn,
  ClientResult,
  Opened,
  OpenStreams,
  Progress,
  Published,
  Storm,
  StormResult,
} from '../load/messages.ts';
import { dueBy, scheduledUs } from '../load/pacer.ts';
import { Door } from './door.ts';
import { type Losses, Seat } from './seat.ts';
import type { Stream } from './stream.ts';
import { Tally } from './tally.ts';

/** Connections being opened at a time: a listen backlog is finite, and a flood would measure that. */
const IN_FLIGHT = 200;
const CHURN_TICK_MS = 10;
const QUIET_MS = 500;

/** The streams of one flow that this process holds. */
export class Crowd {
  readonly tally = new Tally();
  /** Of the streams that never read; what comes when they are read at the end is no measurement. */
  private readonly unread = new Tally();
  private readonly door = new Door(this.tally, this.unread);
  private readonly seats: Seat[] = [];
  /** Of streams that have left. */
  private readonly left: Losses = { lost: 0, duplicated: 0, reordered: 0 };
  private replaced = 0;
  private churnTimer: NodeJS.Timeout | null = null;
  private readonly replacements = new Set<Promise<void>>();

  async open(job: OpenStreams): Promise<Opened> {
    const connect = emptyHistogram();
    const startUs = nowUs();
    let begun = 0;
    let opened = 0;
    let toUs = startUs;
    let gaveUp = false;
    const opener = async () => {
      while (begun < job.count && !gaveUp) {
        const k = begun++;
        let dueUs = nowUs();
        if (job.ramp !== null) {
          dueUs = scheduledUs(startUs, job.ramp, k);
          await sleepUntil(dueUs);
        }
        const stream = await this.door.open(job, job.first + k);
        if (stream === null) {
          gaveUp = true;
          return;
        }
        record(connect, stream.openedUs - dueUs);
        toUs = Math.max(toUs, stream.openedUs);
        this.seats.push(new Seat(job, job.first + k, stream));
        opened++;
      }
    };
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, job.count) }, opener));
    const refused = { ...this.door.refused };
    return { opened, fromUs: startUs, toUs, connectUs: encodeHistogram(connect), refused, gaveUp };
  }

  /** Streams leave, the oldest first, and new ones take their seats: `perSecond` of them; 0 to stop. */
  async churn({ perSecond, published }: Churn): Promise<void> {
    if (this.churnTimer !== null) clearInterval(this.churnTimer);
    this.churnTimer = null;
    if (perSecond === 0) {
      await Promise.all(this.replacements);
      return;
    }
    const startUs = nowUs();
    let done = 0;
    let next = 0;
    this.churnTimer = setInterval(() => {
      const due = dueBy(nowUs(), startUs, perSecond, Number.MAX_SAFE_INTEGER);
      // Whoever is on the way in cannot leave: those due stay due until there are streams that can.
      for (let looked = 0; done < due && looked < this.seats.length; looked++) {
        const seat = this.seats[next++ % this.seats.length]!;
        if (seat.changing) continue;
        this.beginReplacement(seat, published);
        done++;
      }
    }, CHURN_TICK_MS);
  }

  /** All who read leave and come back at once, as when a network or a proxy in front fails and recovers. */
  async storm({ untilUs, published }: Storm): Promise<StormResult> {
    const seats = this.seats.filter(({ neverReads }) => !neverReads);
    const refusedBefore = { ...this.door.refused };
    const cpuBefore = process.cpuUsage();
    const dropUs = nowUs();
    const reconnect = emptyHistogram();
    const comeBack = async (seat: Seat): Promise<void> => {
      const stream = await this.door.openUntil(untilUs, seat.job, seat.index);
      if (stream === null) return;
      this.seatNext(seat, stream);
      record(reconnect, stream.openedUs - dropUs);
    };
    for (const seat of seats) this.unseat(seat, published);
    const coming = Promise.all(seats.map(comeBack));
    const back = emptyHistogram();
    const waiting = new Set(seats);
    while (waiting.size > 0 && nowUs() < untilUs) {
      await sleep(20);
      for (const seat of waiting) {
        const { firstMessageUs } = seat.stream;
        if (seat.changing || firstMessageUs === Number.POSITIVE_INFINITY) continue;
        record(back, firstMessageUs - dropUs);
        waiting.delete(seat);
      }
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    const clientPercent = ((user + system) * 100) / (nowUs() - dropUs);
    await coming;
    return {
      backUs: encodeHistogram(back),
      reconnectUs: encodeHistogram(reconnect),
      refused: increase(refusedBefore, this.door.refused),
      gone: waiting.size,
      clientPercent,
    };
  }

  progress(published: Published | null): Progress {
    const behind = published === null ? [] : this.present.filter((seat) => seat.isBehind(published));
    return { opened: this.seats.length, received: this.tally.received, behind: behind.length };
  }

  async result(published: Published): Promise<ClientResult> {
    const { tally, replaced } = this;
    await this.readUnread();
    const losses = { ...this.left };
    for (const seat of this.present) seat.count(losses, published);
    return {
      ...losses,
      delivered: tally.delivered,
      received: tally.received,
      latencyUs: encodeHistogram(tally.latency),
      misdirected: tally.misdirectedEvents,
      malformed: tally.malformedEvents,
      ended: tally.endedStreams,
      replaced,
      unreadEnded: this.unread.endedStreams,
    };
  }

  private get present(): Seat[] {
    return this.seats.filter(({ changing }) => !changing);
  }

  private beginReplacement(seat: Seat, published: Published): void {
    this.unseat(seat, published);
    const replacement = this.door.open(seat.job, seat.index).then((stream) => {
      this.replacements.delete(replacement);
      if (stream === null) this.tally.endedStreams++;
      else this.seatNext(seat, stream);
    });
    this.replacements.add(replacement);
  }

  private unseat(seat: Seat, published: Published): void {
    seat.changing = true;
    seat.leave(this.left, published);
  }

  private seatNext(seat: Seat, stream: Stream): void {
    seat.take(stream);
    this.replaced++;
  }

  /** Reads what was never read, up to the end where the server made one. */
  private async readUnread(): Promise<void> {
    const seats = this.seats.filter(({ neverReads }) => neverReads);
    for (const { stream } of seats) stream.resume();
    const seen = () => this.unread.received + this.unread.endedStreams;
    for (let before = -1; seats.length > 0 && before !== seen(); ) {
      before = seen();
      await sleep(QUIET_MS);
    }
  }
}

function increase(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const changes = Object.entries(after).map(([kind, count]) => [kind, count - (before[kind] ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, change]) => change > 0));
}
