/** Compiles `src` to `dist`, the form that is published. npm runs it as `prepare`, hence after every `npm ci`. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, globSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const compiler = join(root, 'node_modules/typescript/bin/tsc');

function build(): number {
  if (!existsSync(compiler)) {
    // `npm ci --omit=dev` gets here: it must not fail for want of a development dependency.
    console.log(
      `TypeScript is not installed: ${existsSync(dist) ? 'keeping dist as it is' : 'dist is not built'}.`,
    );
    return 0;
  }
  rmSync(dist, { recursive: true, force: true });
  const tsc = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], {
    stdio: 'inherit',
  });
  if (tsc.status !== 0) return tsc.status ?? 1;

  for (const page of globSync('demo/*.html', { cwd: join(root, 'src') })) {
    cpSync(join(root, 'src', page), join(dist, page));
  }
  chmodSync(join(dist, 'main.js'), 0o755);
  return 0;
}

process.exitCode = build();
