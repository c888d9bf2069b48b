/**
 * What every message carries: `@<16 digits: scheduled time, us>#<8 digits: sequence on its channel>@`, then
 * padding. Fixed width and ASCII, so that a client reads it from the bytes without building a string, and without
 * an `@`, CR or LF elsewhere, so that it is found whatever the server puts around it.
 */
export const MARKER_BYTES = 27;
export const SEQUENCE_AT = 18;
export const TIME_DIGITS = 16;
export const SEQUENCE_DIGITS = 8;

/** The data of one message, `bytes` long. */
export function encodeMessage(scheduledUs: number, sequence: number, bytes: number): string {
  const time = String(Math.floor(scheduledUs)).padStart(TIME_DIGITS, '0');
  const marker = `@${time}#${String(sequence).padStart(SEQUENCE_DIGITS, '0')}@`;
  return marker.padEnd(bytes, 'x');
}

export function readDigits(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let i = from; i < from + count; i++) value = value * 10 + (bytes[i]! - 48);
  return value;
}
