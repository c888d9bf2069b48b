import { readScenario } from '../scenarios/catalogue.ts';
import { makeScenario, type Scenario, type ScenarioInput } from '../scenarios/scenario.ts';
import { UsageError } from './flags.ts';

// What the user asked to be measured; a mistake in it is one of the command line.

/** A scenario by its name or file, perhaps for another length of time. @throws UsageError */
export function named(nameOrPath: string, seconds: number | null): Scenario {
  return orUsageError(() => {
    const scenario = readScenario(nameOrPath);
    return seconds === null ? scenario : makeScenario({ ...scenario, seconds });
  });
}

/** A scenario of what flags say. @throws UsageError */
export function fromFlags(input: ScenarioInput): Scenario {
  return orUsageError(() => makeScenario(input));
}

function orUsageError<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
