import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeScenario, type Scenario, type ScenarioInput } from './scenario.ts';

const FOLDER = import.meta.dirname;

/** Names of the scenarios in this folder. */
export const SCENARIOS: readonly string[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map((file) => basename(file, '.json'));

/**
 * A scenario of this folder by its name, or of one's own by the path of its file.
 * @throws a sentence that names the file and each field that is not as it should be
 */
export function readScenario(nameOrPath: string): Scenario {
  const isPath = nameOrPath.endsWith('.json');
  if (!isPath && !SCENARIOS.includes(nameOrPath)) {
    throw new Error(
      `${nameOrPath}: no such scenario; there are ${SCENARIOS.join(', ')}, and files that end in .json`,
    );
  }
  const file = isPath ? nameOrPath : join(FOLDER, `${nameOrPath}.json`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
  try {
    return makeScenario(value as ScenarioInput); // which checks that it is one
  } catch (error) {
    throw new Error(`${file}:\n${(error as Error).message}`);
  }
}
