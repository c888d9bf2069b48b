import { effective, flagOf, gather, SETTING_NAMES, settingOf } from '../config.ts';
import { resolveSettings } from '../gateway.ts';

/** `ssemux check-config`: prints the settings that would be in force, and where each comes from; fails as serving would. */
export async function checkConfig(argv: string[]): Promise<number> {
  const given = gather(argv, process.env);
  const config = resolveSettings(given, false);
  const rows = SETTING_NAMES.map((name) => {
    const { env, show } = settingOf(name);
    const { text, source } = effective(given, name) ?? { text: undefined, source: 'default' };
    const derived = name === 'maxConnections' ? String(config.maxConnections) : '(unset)';
    const shown = text === undefined ? derived : (show?.(text) ?? text);
    const from = { flag: flagOf(name), environment: env, option: name, default: 'default' }[source];
    return [flagOf(name).slice(2), shown, from];
  });
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const [name, shown, from] of rows) {
    console.log(`${name!.padEnd(widths[0]!)}  ${shown!.padEnd(widths[1]!)}  ${from}`);
  }
  return 0;
}
