/**
 * What every message carries: `@<16 digits: scheduled time, us>#<8 digits: sequence on its channel>#<6 digits:
 * channel>@`, then padding. Fixed width and ASCII, so that a client reads it from the bytes without building a
 * string, and free of what JSON, forms and SSE would escape, so that it arrives as it is through any server.
 */
const FIELDS = { time: 16, sequence: 8, channel: 6 };

export const MOST_CHANNELS = 10 ** FIELDS.channel;

/** Where the fields begin and end, counted from the first `@`. */
export const TIME_END = 1 + FIELDS.time;
export const SEQUENCE_END = TIME_END + 1 + FIELDS.sequence;
export const CHANNEL_END = SEQUENCE_END + 1 + FIELDS.channel;
export const MARKER_BYTES = CHANNEL_END + 1;

/** The data of one message, `bytes` long. */
export function encodeMessage(scheduledUs: number, sequence: number, channel: number, bytes: number): string {
  const time = String(Math.floor(scheduledUs)).padStart(FIELDS.time, '0');
  const number = String(sequence).padStart(FIELDS.sequence, '0');
  return `@${time}#${number}#${String(channel).padStart(FIELDS.channel, '0')}@`.padEnd(bytes, 'x');
}
