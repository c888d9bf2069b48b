import type { BarSeriesOption, CustomSeriesOption } from 'echarts/charts';
import { linearAxis, toEcharts } from './axis.ts';
import { draw, textWidth, WIDTH } from './drawing.ts';
import { INK, inkOf } from './palette.ts';

export interface Bar {
  readonly server: string;
  readonly colour: number;
  /** null for none, with the reason as text. */
  readonly value: number | null;
  readonly range?: readonly [min: number, max: number];
  /** Written behind the bar. */
  readonly text: string;
}

const BAR_HEIGHT = 34;
const AROUND = 52;
const MOST_NAME_WIDTH = 150;
const NAME_SIZE = 13;
const TEXT_SIZE = 12;
const GAP = 8;
const LEAST_WIDTH = 40;

/** Horizontal bars from 0, one below the other, with ranges as whiskers. */
export function barChart(name: string, bars: readonly Bar[]): string {
  const axis = linearAxis(name, bars.map(endOf));
  const fewTicks = axis.ticks.filter((_, i) => i % 2 === 0);
  const x = toEcharts({ ...axis, ticks: fewTicks }, 'x');
  return draw(bars.length * BAR_HEIGHT + AROUND, {
    grid: { left: 4, right: GAP, top: 4, bottom: 40 },
    xAxis: {
      ...x,
      max: axis.max * roomForTexts(bars, axis.max),
      axisLine: { show: false },
      splitLine: { ...x.splitLine, show: false },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ server }) => server),
      axisLabel: { color: INK, fontSize: NAME_SIZE, width: MOST_NAME_WIDTH, overflow: 'truncate' },
      axisTick: { show: false },
      axisLine: { show: false },
    },
    series: [rectangles(bars), behind(bars)],
  });
}

/** How many times longer the axis has to be than its last tick, so that every bar's text has room behind it. */
function roomForTexts(bars: readonly Bar[], longest: number): number {
  const names = Math.max(...bars.map(({ server }) => textWidth(server, NAME_SIZE)));
  const width = WIDTH - Math.min(MOST_NAME_WIDTH, names) - 3 * GAP;
  const needs = bars.map((bar) => {
    const rest = width - textWidth(bar.text, TEXT_SIZE) - 2 * GAP;
    return ((endOf(bar) / longest) * width) / Math.max(LEAST_WIDTH, rest);
  });
  return Math.max(1, ...needs);
}

/** Memory may shrink while streams open: what is below 0 has a text and no bar. */
function endOf({ value, range }: Bar): number {
  return Math.max(0, range?.[1] ?? value ?? 0);
}

function rectangles(bars: readonly Bar[]): BarSeriesOption {
  return {
    type: 'bar',
    clip: false,
    barWidth: 18,
    data: bars.map(({ value, colour }) => ({
      value: Math.max(0, value ?? 0),
      itemStyle: { color: inkOf(colour).colour, borderRadius: [0, 2, 2, 0] },
    })),
  };
}

/** Whisker and text of each bar. */
function behind(bars: readonly Bar[]): CustomSeriesOption {
  return {
    type: 'custom',
    clip: false,
    data: bars.map((bar, i) => [Math.max(0, bar.range?.[0] ?? bar.value ?? 0), i, endOf(bar)]),
    renderItem: ({ dataIndex }, api) => {
      const [x1, y] = api.coord([api.value(0), api.value(1)]) as [number, number];
      const [x2] = api.coord([api.value(2), api.value(1)]) as [number, number];
      const stroke = { stroke: INK, lineWidth: 1.5 };
      const line = (shape: { x1: number; x2: number; y1: number; y2: number }) => ({
        type: 'line' as const,
        shape,
        style: stroke,
      });
      const whisker =
        bars[dataIndex]!.range === undefined
          ? []
          : [
              line({ x1, x2, y1: y, y2: y }),
              line({ x1, x2: x1, y1: y - 4, y2: y + 4 }),
              line({ x1: x2, x2, y1: y - 4, y2: y + 4 }),
            ];
      const text = bars[dataIndex]!.text;
      const style = {
        text,
        x: x2 + GAP,
        y,
        fill: INK,
        fontSize: TEXT_SIZE,
        fontFamily: 'inherit',
        verticalAlign: 'middle' as const,
      };
      return { type: 'group', children: [...whisker, { type: 'text', style }] };
    },
  };
}
