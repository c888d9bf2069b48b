import { written } from './measures.ts';
import { HAIRLINE, QUIET } from './palette.ts';

/** How values become positions along an axis, and what is written beside it. */
export interface Axis {
  readonly name: string;
  position(value: number): number;
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
  write(tick: number): string;
}

const DECADES_WITH_STEPS = 2.5;

/** Ticks at 1, 2, 5, 10, 20, ... or, over many decades, at powers of ten. `values` are more than 0. */
export function logAxis(name: string, values: readonly number[]): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const wide = Math.log10(high / low) > DECADES_WITH_STEPS;
  const steps = wide ? [1] : [1, 2, 5];
  const all = [];
  for (let decade = first; decade <= last; decade++) all.push(...steps.map((step) => step * 10 ** decade));
  const min = all.findLast((tick) => tick <= low * 1.001) ?? low;
  const max = all.find((tick) => tick >= high * 0.999 && tick > min) ?? min * 10;
  const ticks = all.filter((tick) => tick >= min && tick <= max);
  return { name, position: Math.log10, min, max, ticks, write: writeTick };
}

/** From 0, with four to six round steps. */
export function linearAxis(name: string, values: readonly number[]): Axis {
  const high = Math.max(...values) > 0 ? Math.max(...values) : 1;
  const rough = high / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((times) => times * unit >= rough)! * unit;
  const count = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
  return { name, position: (value) => value, min: 0, max: ticks.at(-1)!, ticks, write: writeTick };
}

/** Numbers of streams: ticks where something was measured, but for those too close to be told apart. */
export function stepsAxis(name: string, steps: readonly number[]): Axis {
  const [min, max] = [steps[0]!, steps.at(-1)!];
  const log = max / min >= 20;
  const position = log ? Math.log10 : (value: number) => value;
  const apart = (position(max) - position(min)) / 7;
  const ticks: number[] = [];
  for (const step of steps.toReversed()) {
    if (ticks.length === 0 || position(ticks[0]!) - position(step) >= apart) ticks.unshift(step);
  }
  return { name, position, min, max, ticks, write: writeTick };
}

/** As HdrHistogram plots them: every further nine takes as much room. `nines` is how many there is data for. */
export function percentileAxis(nines: number): Axis {
  const position = (percentile: number) => -Math.log10(1 - percentile / 100);
  const max = 100 - 100 / 10 ** nines;
  const ticks = [0, 50, 90, 99, 99.9, 99.99].filter((tick) => tick <= max);
  return { name: 'percentile', position, min: 0, max, ticks, write: String };
}

/** As echarts takes an axis, already in positions. */
export function toEcharts({ name, position, min, max, ticks, write }: Axis, at: 'x' | 'y') {
  const places = new Map(ticks.map((tick) => [position(tick), write(tick)]));
  const customValues = [...places.keys()];
  return {
    type: 'value' as const,
    name,
    nameLocation: at === 'x' ? ('middle' as const) : ('end' as const),
    nameGap: at === 'x' ? 28 : 14,
    nameTextStyle: {
      color: QUIET,
      fontSize: 12,
      align: at === 'x' ? ('center' as const) : ('left' as const),
    },
    min: position(min),
    max: position(max),
    axisLabel: {
      customValues,
      color: QUIET,
      fontSize: 12,
      formatter: (value: number) => places.get(value) ?? '',
    },
    axisTick: { show: at === 'x', customValues, lineStyle: { color: HAIRLINE } },
    axisLine: { show: at === 'x', onZero: false, lineStyle: { color: HAIRLINE } },
    splitLine: { show: at === 'y', lineStyle: { color: HAIRLINE } },
  };
}

function writeTick(tick: number): string {
  if (tick >= 1e6) return `${written(tick / 1e6)}M`;
  return tick < 1
    ? String(Number(tick.toPrecision(2)))
    : tick.toLocaleString('en-US', { maximumFractionDigits: 1 });
}
