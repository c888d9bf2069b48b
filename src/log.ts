import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/** What the parts of the gateway log to. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFormat = 'json' | 'pretty';

/** Logs to standard output, synchronously: nothing is lost when the process ends. */
export function createLog(level: LogLevel, format: LogFormat): Log {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (format === 'json') return pino({ ...options, formatters: { level: (label) => ({ level: label }) } });
  return pino(options, pretty({ sync: true, translateTime: 'HH:MM:ss', colorize: process.stdout.isTTY }));
}

const REPEAT_AFTER_MS = 10_000;

/**
 * Lets one line per topic through each 10 s, so that a flood of equal trouble cannot flood the log; the next line
 * says how many were left out.
 */
export class RateLimitedLog {
  readonly #topics = new Map<string, { until: number; suppressed: number }>();

  /** @param topic one of a few fixed words, as each is remembered for good */
  run(topic: string, write: (suppressed: { suppressed?: number }) => void): void {
    const now = Date.now();
    const last = this.#topics.get(topic);
    if (last !== undefined && now < last.until) {
      last.suppressed++;
      return;
    }
    this.#topics.set(topic, { until: now + REPEAT_AFTER_MS, suppressed: 0 });
    write(last !== undefined && last.suppressed > 0 ? { suppressed: last.suppressed } : {});
  }
}
