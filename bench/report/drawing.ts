import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { type EChartsCoreOption, init, setPlatformAPI, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([LineChart, BarChart, CustomChart, GridComponent, SVGRenderer]);

/** Of the font size; that of digits in a wide system font. Without a browser nobody can measure, and echarts guesses less. */
const CHARACTER_WIDTH = 0.64;

export function textWidth(text: string, fontSize: number): number {
  return text.length * CHARACTER_WIDTH * fontSize;
}

setPlatformAPI({
  measureText: (text, font) => ({
    width: textWidth(text, Number.parseFloat(font?.match(/[\d.]+(?=px)/)?.[0] ?? '12')),
  }),
});

/** Near the width of a phone, so that text stays legible there. */
export const WIDTH = 400;

/** The SVG of a chart without what only a script would use, and scaling with its container. */
export function draw(height: number, option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption({ animation: false, silent: true, textStyle: { fontFamily: 'inherit' }, ...option });
    return cleaned(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

function cleaned(svg: string): string {
  return svg
    .replace(/<style\b[\s\S]*?<\/style>/g, '')
    .replace(/<defs\b[\s\S]*?<\/defs>/g, '') // nothing but clip paths, far outside the chart, with changing numbers
    .replace(/ (?:class|clip-path|pointer-events|ecmeta_\w+)="[^"]*"/g, '')
    .replace(/^<svg width="\d+" height="\d+"/, '<svg');
}
