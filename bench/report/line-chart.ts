import type { CustomSeriesOption, LineSeriesOption } from 'echarts/charts';
import { type Axis, toEcharts } from './axis.ts';
import { draw } from './drawing.ts';
import { inkOf, PAPER } from './palette.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
  /** The spread of `y` over the repetitions. */
  readonly range?: readonly [min: number, max: number];
  /** false: the line goes through without a symbol. */
  readonly marked: boolean;
}

export interface Line {
  readonly server: string;
  readonly colour: number;
  readonly points: readonly Point[];
}

const HEIGHT = 280;
const CAP = 4;

/** Lines over two axes; ranges as whiskers. */
export function lineChart(x: Axis, y: Axis, lines: readonly Line[]): string {
  return draw(HEIGHT, {
    grid: { left: 4, right: 18, top: 34, bottom: 40 },
    xAxis: toEcharts(x, 'x'),
    yAxis: toEcharts(y, 'y'),
    series: [...lines.map((line) => whiskers(x, y, line)), ...lines.map((line) => course(x, y, line))],
  });
}

function course(x: Axis, y: Axis, { server, colour, points }: Line): LineSeriesOption {
  const ink = inkOf(colour);
  return {
    type: 'line',
    name: server,
    clip: false,
    symbol: ink.symbol,
    symbolSize: 8,
    itemStyle: { color: ink.colour, borderColor: PAPER, borderWidth: 1 },
    lineStyle: { color: ink.colour, width: 2, type: ink.dash as number[], cap: 'round', join: 'round' },
    data: points.map((point) => ({
      value: [x.position(point.x), y.position(point.y)],
      symbol: point.marked ? ink.symbol : 'none',
    })),
  };
}

function whiskers(x: Axis, y: Axis, { colour, points }: Line): CustomSeriesOption {
  const style = { stroke: inkOf(colour).colour, lineWidth: 1.5, fill: 'none', opacity: 0.6 };
  return {
    type: 'custom',
    clip: false,
    data: points.flatMap(({ x: at, range }) =>
      range === undefined ? [] : [[x.position(at), y.position(range[0]), y.position(range[1])]],
    ),
    renderItem: (_, api) => {
      const [left, bottom] = api.coord([api.value(0), api.value(1)]) as [number, number];
      const [, top] = api.coord([api.value(0), api.value(2)]) as [number, number];
      const across = (height: number) => ({ x1: left - CAP, x2: left + CAP, y1: height, y2: height });
      return {
        type: 'group',
        children: [{ x1: left, x2: left, y1: bottom, y2: top }, across(bottom), across(top)].map((shape) => ({
          type: 'line' as const,
          shape,
          style,
        })),
      };
    },
  };
}
