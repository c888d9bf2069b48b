// What applications publish, as it arrives from Valkey. Of each kind there are many that differ in a number.

const VARIANTS = 64;
const HTML_BYTES = 2_048;

export const payloads = {
  shortText: variants((n) => envelope(`Order ${n} has left the warehouse`, n)),
  html: variants((n) => envelope(html(n, '\n'), n)),
  htmlCrLf: variants((n) => envelope(html(n, '\r\n'), n)),
  /** No JSON object, so it is delivered as it is. */
  verbatim: variants((n) => Buffer.from(`<li id="order-${n}">${'shipped '.repeat(22)}</li>`)),
};

function variants(make: (number: number) => Buffer): readonly Buffer[] {
  return Array.from({ length: VARIANTS }, (_, i) => make(100_000 + i));
}

function envelope(data: string, id: number): Buffer {
  return Buffer.from(JSON.stringify({ event_type: 'status', data, id: String(id) }));
}

/** A table as templates render it: short lines, indented; exactly 2 KB with LF. */
function html(number: number, lineBreak: string): string {
  const row = `  <tr>\n    <td class="id">${number}</td>\n    <td>shipped</td>\n  </tr>\n`;
  const rows = '<table>\n'.concat(row.repeat(29));
  const end = '</table>';
  return `${rows}${' '.repeat(HTML_BYTES - rows.length - end.length)}${end}`.replaceAll('\n', lineBreak);
}
